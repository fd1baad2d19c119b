"""What a run shows: per node its state, its time and one line of meaning."""
