"""Tests of rankbeam.serving.engine."""
