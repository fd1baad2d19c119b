"""TFX's Trainer, with a number of steps that can be set when a run starts."""
