"""Shared bottom, MMoE and PLE against their equations."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from rankbeam.trainer.sharing.mmoe import Mmoe
from rankbeam.trainer.sharing.ple import Ple
from rankbeam.trainer.sharing.shared_bottom import SharedBottomLayer
from tests.reference import networks
from tests.trainer.gradients import assert_every_weight_learns
from tests.trainer.tolerances import FLOAT32

Array = NDArray[np.float32]
Weights = dict[str, Array]


def _inputs(rows: int = 4, width: int = 5) -> Array:
    return np.random.default_rng(5).normal(size=(rows, width)).astype(np.float32)


def _weights(layer: tf_keras.layers.Layer) -> Weights:
    """Weights by their path below the layer, without `:0`."""
    return {
        variable.name.removeprefix(f"{layer.name}/").removesuffix(":0"): variable.numpy()
        for variable in layer.variables
    }


def _experts(weights: Weights, prefix: str) -> list[networks.Perceptron]:
    kernel, bias = weights[f"{prefix}/kernel_0"], weights[f"{prefix}/bias_0"]
    return [[(kernel[e], bias[e, 0])] for e in range(len(kernel))]


def test_shared_bottom_gives_every_task_the_same_vector() -> None:
    layer, x = SharedBottomLayer(3, (4,)), _inputs()
    outputs = layer(tf.constant(x))
    kernel, bias = layer.get_weights()
    assert len(outputs) == 3
    for output in outputs:
        expected = [networks.perceptron(row, [(kernel, bias)]) for row in x]
        np.testing.assert_allclose(output.numpy(), expected, FLOAT32, FLOAT32)


def test_mmoe_by_hand() -> None:
    layer = Mmoe(1, 2, (1,))
    x = tf.constant([[1.0, 2.0]])
    layer(x)
    kernels = np.array([[[1.0], [1.0]], [[2.0], [-1.0]]])
    gate = np.array([[np.log(3.0), 0.0], [0.0, 0.0]])
    layer.set_weights([kernels, np.array([[[0.0]], [[5.0]]]), gate])
    # h_1 = relu(1·1 + 2·1) = 3;  h_2 = relu(1·2 - 2·1 + 5) = 5
    # g = softmax(log 3, 0) = (3/4, 1/4);  f = 3·3/4 + 5/4 = 3.5
    np.testing.assert_allclose(layer(x)[0].numpy(), [[3.5]], FLOAT32)


def test_mmoe_equals_equations_6_and_7() -> None:
    layer, x = Mmoe(2, 3, (4,), name="mmoe"), _inputs()
    found = layer(tf.constant(x))
    weights = _weights(layer)
    experts = _experts(weights, "experts")
    gates = [weights["gate_0/kernel"], weights["gate_1/kernel"]]
    for row in range(len(x)):
        expected = networks.mmoe(x[row], experts, list(gates))
        for task in range(2):
            np.testing.assert_allclose(found[task][row].numpy(), expected[task], FLOAT32, FLOAT32)


def test_mmoe_does_not_depend_on_the_order_of_experts() -> None:
    layer, x = Mmoe(2, 4, (3,)), tf.constant(_inputs())
    before = [output.numpy() for output in layer(x)]
    order = [3, 1, 0, 2]
    for variable in layer.variables:
        values = variable.numpy()
        variable.assign(values[:, order] if "gate" in variable.name else values[order])
    for output, expected in zip(layer(x), before, strict=True):
        np.testing.assert_allclose(output.numpy(), expected, FLOAT32, FLOAT32)


def test_mmoe_with_one_expert_is_a_shared_bottom() -> None:
    layer, x = Mmoe(2, 1, (3,), name="mmoe"), _inputs()
    first, second = layer(tf.constant(x))
    expert = _experts(_weights(layer), "experts")[0]
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    expected = [networks.perceptron(row, expert) for row in x]
    np.testing.assert_allclose(first.numpy(), expected, FLOAT32, FLOAT32)


def test_mmoe_gate_dropout_leaves_probabilities_that_sum_to_one() -> None:
    layer = Mmoe(1, 3, (2,), gate_dropout=0.6)
    x = tf.ones((500, 4))
    served = layer(x)[0].numpy()
    np.testing.assert_array_equal(served, layer(x)[0].numpy())
    # Experts that all answer 1 mix to the sum of the gate: 1 in every row, also in those (a fifth
    # of them, 0.6³) whose probabilities were all dropped.
    layer.set_weights([np.zeros((3, 4, 2)), np.ones((3, 1, 2)), np.ones((4, 3))])
    np.testing.assert_allclose(layer(x, training=True)[0].numpy(), 1.0, FLOAT32)
    # Experts that answer apart show that probabilities were dropped.
    layer.set_weights([np.zeros((3, 4, 2)), np.arange(6.0).reshape(3, 1, 2), np.ones((4, 3))])
    assert len(np.unique(layer(x, training=True)[0].numpy().round(3))) > 2


def test_ple_of_two_levels_equals_its_definition() -> None:
    layer = Ple(2, levels=2, task_experts=2, shared_experts=1, hidden=(3,), name="ple")
    x = _inputs()
    found = layer(tf.constant(x))
    weights = _weights(layer)
    for row in range(len(x)):
        tasks, shared = [x[row], x[row]], x[row]
        for level in range(2):
            prefix = f"level_{level}"
            last = level == 1
            outputs = networks.ple_level(
                list(tasks),
                shared,
                [_experts(weights, f"{prefix}/task_{k}_experts") for k in range(2)],
                _experts(weights, f"{prefix}/shared_experts"),
                [weights[f"{prefix}/task_{k}_gate/kernel"] for k in range(2)],
                None if last else weights[f"{prefix}/shared_gate/kernel"],
            )
            tasks = [np.asarray(output) for output in outputs[:2]]
            shared = shared if last else np.asarray(outputs[2])
        for task in range(2):
            np.testing.assert_allclose(found[task][row].numpy(), tasks[task], FLOAT32, FLOAT32)


def test_ple_last_level_has_no_shared_gate() -> None:
    layer = Ple(2, levels=2, task_experts=1, shared_experts=1, hidden=(3,), name="ple")
    layer(tf.constant(_inputs()))
    names = _weights(layer)
    assert "level_0/shared_gate/kernel" in names
    assert "level_1/shared_gate/kernel" not in names
    assert names["level_0/shared_gate/kernel"].shape == (5, 3)  # 2 tasks · 1 expert + 1 shared


def test_ple_does_not_depend_on_the_order_of_own_experts() -> None:
    layer, x = Ple(1, levels=1, task_experts=3, shared_experts=2, hidden=(3,)), _inputs()
    before = layer(tf.constant(x))[0].numpy()
    order = [1, 2, 0]
    for variable in layer.variables:
        values = variable.numpy()
        if "task_0_experts" in variable.name:
            variable.assign(values[order])
        elif "gate" in variable.name:
            variable.assign(values[:, [*order, 3, 4]])
    np.testing.assert_allclose(layer(tf.constant(x))[0].numpy(), before, FLOAT32, FLOAT32)


@pytest.mark.parametrize("tasks", [1, 3])
@pytest.mark.parametrize("kind", ["shared_bottom", "mmoe", "ple"])
def test_sharing_gradients(kind: str, tasks: int) -> None:
    layers: dict[str, tf_keras.layers.Layer] = {
        "shared_bottom": SharedBottomLayer(tasks, (8, 4)),
        "mmoe": Mmoe(tasks, 3, (8, 4)),
        "ple": Ple(tasks, levels=2, task_experts=2, shared_experts=2, hidden=(8, 4)),
    }
    layer = layers[kind]
    x = tf.constant(_inputs(64))
    assert len(layer(x)) == tasks
    assert_every_weight_learns(layer, lambda: tf.add_n([tf.reduce_sum(f**2) for f in layer(x)]))
