"""Tests of rankbeam.serving.client."""
