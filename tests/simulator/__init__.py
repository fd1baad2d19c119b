"""Tests of rankbeam.simulator."""
