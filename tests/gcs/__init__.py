"""A server that speaks as much of Google Cloud Storage's APIs as its clients here use."""
