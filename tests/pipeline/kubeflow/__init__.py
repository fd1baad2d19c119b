"""Compiling for Kubeflow, and submitting."""
