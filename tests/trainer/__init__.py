"""Tests of rankbeam.trainer."""
