"""Tests of rankbeam.components.data_gate."""
