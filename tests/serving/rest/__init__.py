"""Tests of rankbeam.serving.rest."""
