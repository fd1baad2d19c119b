"""Tests of rankbeam.components.infra_validator."""
