"""From feature specs to `preprocessing_fn`; the one authority for feature, label and task names."""
