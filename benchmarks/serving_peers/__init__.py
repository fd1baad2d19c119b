"""Peers of the embedded server: each serves the same SavedModel from an environment of its own."""
