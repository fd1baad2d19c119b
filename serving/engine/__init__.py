"""Models in memory and the operations on them, in TensorFlow Serving's protos."""
