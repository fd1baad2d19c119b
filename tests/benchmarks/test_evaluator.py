"""Both sides of the Evaluator's benchmark measure the same thing."""

from pathlib import Path

import pytest

from benchmarks.evaluator import SIDES, largest_difference, prepare, run_node


# TFMA's own metrics divide by empty classes, and take arrays of one for numbers.
@pytest.mark.filterwarnings("ignore::RuntimeWarning:tensorflow_model_analysis")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorflow_model_analysis")
@pytest.mark.slow
def test_evaluator_benchmark_compares_equal_metrics(tmp_path: Path) -> None:
    prepare(tmp_path, num_rows=300)
    for side in SIDES:
        assert run_node(side, tmp_path) > 0
    assert largest_difference(tmp_path, "binary_crossentropy", "log_loss") < 1e-6
    # TFMA interpolates between 10,000 thresholds.
    assert largest_difference(tmp_path, "auc", "auc") < 2e-2
