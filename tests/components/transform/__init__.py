"""Tests of `rankbeam.components.evaluator`."""
