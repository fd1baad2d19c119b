"""Tests of rankbeam.transform."""
