"""Tests of rankbeam.pipeline."""
