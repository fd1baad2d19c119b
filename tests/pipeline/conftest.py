"""The fixtures of remote places."""

from tests.places import place, s3, s3_bucket

__all__ = ["place", "s3", "s3_bucket"]
