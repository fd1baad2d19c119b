"""Deployment files for TensorFlow Serving, generated from the config."""
