"""The parts of `benchmarks/serving.py`: the load, the sides, the figures and their report."""
