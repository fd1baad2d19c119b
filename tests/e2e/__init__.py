"""Whole DAGs, from a log to a served model."""
