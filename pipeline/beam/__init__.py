"""Where the DAG's Beam stages run: options from the config, checks before a run, workers."""
