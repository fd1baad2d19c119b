"""Tests of rankbeam.components."""
