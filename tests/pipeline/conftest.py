"""The fixture of remote places."""

from tests.places import place

__all__ = ["place"]
