"""Tests of the node that finds the model to compare with."""
