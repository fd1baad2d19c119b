"""Perceptrons and experts against one-example NumPy."""

import numpy as np
import tensorflow as tf

from rankbeam.trainer.experts import Experts, PerExpertGlorot, mix
from rankbeam.trainer.mlp import Mlp
from tests.reference import networks
from tests.trainer.gradients import assert_every_weight_learns
from tests.trainer.tolerances import FLOAT32


def _perceptrons(layer: Experts, layers: int) -> list[networks.Perceptron]:
    """Each expert's weights, read from the variables by name."""
    weights = {variable.name.split("/")[-1]: variable.numpy() for variable in layer.variables}
    count = weights["kernel_0:0"].shape[0]
    return [
        [(weights[f"kernel_{i}:0"][e], weights[f"bias_{i}:0"][e, 0]) for i in range(layers)]
        for e in range(count)
    ]


def test_experts_equal_separate_perceptrons() -> None:
    tf.random.set_seed(1)
    layer = Experts(3, (5, 4))
    x = np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)
    found = layer(tf.constant(x)).numpy()
    assert found.shape == (6, 3, 4)
    for row in range(6):
        for expert, weights in enumerate(_perceptrons(layer, 2)):
            expected = networks.perceptron(x[row], weights)
            np.testing.assert_allclose(found[row, expert], expected, FLOAT32, FLOAT32)


def test_experts_start_apart_and_within_the_glorot_limit_of_one_expert() -> None:
    values = PerExpertGlorot()((50, 4, 2), dtype=tf.float32).numpy()
    limit = (6 / (4 + 2)) ** 0.5  # 1, whatever the number of experts
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.95 * limit
    assert not np.allclose(values[0], values[1])


def test_experts_drop_activations_only_while_training() -> None:
    layer = Experts(2, (64,), dropout=0.5)
    x = tf.ones((4, 3))
    served = layer(x).numpy()
    np.testing.assert_array_equal(served, layer(x).numpy())
    trained = layer(x, training=True).numpy()
    # An activation that survives is divided by its chance to survive, 1 - 0.5.
    survivors = trained != 0
    np.testing.assert_allclose(trained[survivors], 2 * served[survivors], FLOAT32)
    assert survivors.mean() < (served != 0).mean()


def test_experts_gradients() -> None:
    layer = Experts(2, (4, 3))
    x = tf.random.stateless_normal((32, 5), seed=(1, 2))
    layer(x)
    assert_every_weight_learns(layer, lambda: tf.reduce_sum(layer(x)))


def test_mix_by_hand() -> None:
    outputs = tf.constant([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])  # (1, 3, 2)
    gate = tf.constant([[0.5, 0.25, 0.25]])
    # 0.5·1 + 0.25·3 + 0.25·5 = 2.5;  0.5·2 + 0.25·4 + 0.25·6 = 3.5
    np.testing.assert_allclose(mix(gate, outputs).numpy(), [[2.5, 3.5]])


def test_mlp_without_widths_is_the_identity() -> None:
    x = tf.constant([[1.0, -2.0]])
    np.testing.assert_array_equal(Mlp(())(x).numpy(), x.numpy())


def test_mlp_equals_its_definition() -> None:
    layer = Mlp((4, 3))
    x = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    found = layer(tf.constant(x)).numpy()
    weights = layer.get_weights()
    pairs = [(weights[0], weights[1]), (weights[2], weights[3])]
    for row in range(5):
        expected = networks.perceptron(x[row], pairs)
        np.testing.assert_allclose(found[row], expected, FLOAT32, FLOAT32)
