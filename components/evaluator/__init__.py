"""What the stock Evaluator lacks for ranking: metrics in batches, first runs, readable verdicts."""
