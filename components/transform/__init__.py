"""Transform: TFX's node, with an executor that reads, transforms and writes examples in batches."""
