"""Stops the run on anomalies, broken funnels and labels outside {0, 1}, before Transform."""
