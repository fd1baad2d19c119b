"""What the server is told: TensorFlow Serving's flags and text protos, as frozen dataclasses."""
