"""Named tolerances."""

FLOAT32 = 2e-5
"""Relative and absolute; a few dozen float32 operations (unit roundoff 6e-8) against float64."""
