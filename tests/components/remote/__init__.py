"""Tests of rankbeam.components.remote."""
