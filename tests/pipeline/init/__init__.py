"""Tests of rankbeam.pipeline.init."""
