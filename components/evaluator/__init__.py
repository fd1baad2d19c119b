"""What TFMA lacks for ranking: batched calibration metrics, and the choice of the baseline."""
