"""Tests of what is shipped: wheel, layout, import cost, choice of Python."""
