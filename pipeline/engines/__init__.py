"""Flink and Spark on this machine, for runs whose Beam stages go there."""
