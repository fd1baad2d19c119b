"""Parameter sharing between tasks: each layer maps (B, D) to one (B, H) per task."""
