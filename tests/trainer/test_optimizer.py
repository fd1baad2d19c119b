"""Optimizers: one step of each by hand, cosine decay, clipping."""

import math

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.trainer.optimizer import build_optimizer
from rankbeam.trainer.specs import OptimizerSpec
from tests.trainer.tolerances import FLOAT32


def _step(
    spec: OptimizerSpec, gradient: list[float], steps: int = 1, total: int = 10
) -> list[float]:
    """The weights, from (0, 0), after some steps along one gradient."""
    weights = tf.Variable([0.0, 0.0])
    optimizer = build_optimizer(spec, total)
    for _ in range(steps):
        optimizer.apply_gradients([(tf.constant(gradient), weights)])
    return [float(weight) for weight in weights.numpy()]


def test_sgd_by_hand() -> None:
    spec = OptimizerSpec(kind="sgd", learning_rate=0.1)
    np.testing.assert_allclose(_step(spec, [3.0, 4.0]), [-0.3, -0.4], FLOAT32)


def test_sgd_clips_the_global_norm() -> None:
    spec = OptimizerSpec(kind="sgd", learning_rate=1.0, clip_norm=1.0)
    # ‖(3, 4)‖ = 5, so the gradient becomes (0.6, 0.8)
    np.testing.assert_allclose(_step(spec, [3.0, 4.0]), [-0.6, -0.8], FLOAT32)


def test_adam_first_step_is_the_learning_rate() -> None:
    spec = OptimizerSpec(kind="adam", learning_rate=0.01)
    np.testing.assert_allclose(_step(spec, [3.0, -4.0]), [-0.01, 0.01], 1e-4)


def test_adagrad_by_hand() -> None:
    spec = OptimizerSpec(kind="adagrad", learning_rate=0.1)
    # The accumulator starts at 0.1: 0.1 · 3 / sqrt(0.1 + 9)
    expected = -0.1 * 3 / math.sqrt(0.1 + 9)
    np.testing.assert_allclose(_step(spec, [3.0, 3.0]), [expected] * 2, 1e-4)


@pytest.mark.parametrize("steps", [1, 5, 10, 12])
def test_cosine_decays_to_zero_over_all_steps(steps: int) -> None:
    spec = OptimizerSpec(kind="sgd", learning_rate=0.1, decay="cosine")
    rates = [0.05 * (1 + math.cos(math.pi * min(t, 10) / 10)) for t in range(steps)]
    np.testing.assert_allclose(_step(spec, [1.0, 1.0], steps), [-sum(rates)] * 2, FLOAT32)
