"""Feature interaction layers: each maps the encoder's vector (B, D) to a vector."""
