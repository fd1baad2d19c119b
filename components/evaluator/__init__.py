"""What the stock Evaluator lacks for ranking: metrics in batches, a baseline, readable verdicts."""
