"""One pass over the training split: counts, moments and quantiles of every column at once."""
