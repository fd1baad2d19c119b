"""Runs a compiled pipeline here: each task a process, as a cluster would start its container."""
