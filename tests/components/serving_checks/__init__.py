"""Tests of rankbeam.components.serving_checks."""
