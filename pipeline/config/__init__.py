"""The typed YAML config: its sections, cross-section rules, and errors that name line and field."""
