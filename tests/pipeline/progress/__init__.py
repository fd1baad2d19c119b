"""Tests of what a run shows."""
