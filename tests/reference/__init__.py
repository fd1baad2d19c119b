"""Oracles: independent computations that import nothing of rankbeam."""
