"""Baseline: the last blessed model, found where it was pushed, the same on every runner."""
