"""The request log: what was asked and answered, sampled, as files that train the next model."""
