"""Running compiled pipelines."""
