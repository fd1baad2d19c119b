"""TFMA metrics of one shared, mergeable summary of scores, and the formulas that read it."""
