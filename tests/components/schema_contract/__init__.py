"""Tests of rankbeam.components.schema_contract."""
