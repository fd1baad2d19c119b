"""An offers marketplace with known truth: default data, and the oracle of tests and benchmarks."""
