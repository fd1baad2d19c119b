"""Tests of where Beam stages run."""
