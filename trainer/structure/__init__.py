"""Task structures: how logits become probabilities and losses along the funnel."""
