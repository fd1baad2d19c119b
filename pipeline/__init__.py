"""What the user writes (config), the DAG, the runners and the command line."""
