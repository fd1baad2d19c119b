"""The fixtures of remote places."""

from tests.places import hdfs, hdfs_root, place, s3, s3_bucket

__all__ = ["hdfs", "hdfs_root", "place", "s3", "s3_bucket"]
