"""StatisticsGen: TFX's node, with an executor that reads examples in batches."""
