"""One module per file format, each from a path to batches of the columns asked for."""
