"""Tests of the Trainer node."""
