"""Tests of the generated deployment files."""
