"""TensorFlow Serving's REST API: paths, JSON to protos and back, and the HTTP server itself."""
