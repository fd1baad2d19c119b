"""Tests of rankbeam.serving."""
