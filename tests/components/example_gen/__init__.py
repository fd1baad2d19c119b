"""Tests of rankbeam.components.example_gen."""
