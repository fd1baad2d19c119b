"""Ways to execute the DAG; each takes the same nodes."""
