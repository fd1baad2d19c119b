"""Tightens an inferred or imported schema by what the config promises about the data."""
