"""Tests of the typed config."""
