"""Tests of rankbeam.components.parity."""
