"""Tests of rankbeam.serving.settings."""
