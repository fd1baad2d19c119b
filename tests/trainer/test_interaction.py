"""DCN-v2 against its equations, term by term."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from rankbeam.trainer.interaction.cross import CrossNetwork
from rankbeam.trainer.interaction.dcn import DeepCross
from rankbeam.trainer.interaction.mixture import LowRankMixtureCross, MixtureCrossNetwork
from rankbeam.trainer.specs import DcnInteraction
from tests.reference import networks
from tests.trainer.gradients import assert_every_weight_learns
from tests.trainer.tolerances import FLOAT32

Array = NDArray[np.float32]


def _inputs(rows: int = 5, width: int = 6) -> Array:
    return np.random.default_rng(3).normal(size=(rows, width)).astype(np.float32)


def _randomised(layer: tf.Module) -> list[Array]:
    """Gives every weight of a built layer, biases too, a random value."""
    rng = np.random.default_rng(4)
    weights = [rng.normal(0, 0.4, w.shape).astype(np.float32) for w in layer.get_weights()]
    layer.set_weights(weights)
    return weights


def test_cross_network_by_hand() -> None:
    layer = CrossNetwork(1)
    x = tf.constant([[2.0, 3.0]])
    layer(x)
    layer.set_weights([np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([0.5, -1.0])])
    # x W = [2·1 + 3·1, 2·0 + 3·2] = [5, 6];  + b = [5.5, 5]
    # x_0 ⊙ that = [2·5.5, 3·5] = [11, 15];  + x = [13, 18]
    np.testing.assert_allclose(layer(x).numpy(), [[13.0, 18.0]])


def test_cross_network_equals_equation_1() -> None:
    layer, x = CrossNetwork(3), _inputs()
    layer(tf.constant(x))
    weights = _randomised(layer)
    layers = [(weights[2 * i], weights[2 * i + 1]) for i in range(3)]
    expected = [networks.cross_full(row, layers) for row in x]
    np.testing.assert_allclose(layer(tf.constant(x)).numpy(), expected, FLOAT32, FLOAT32)


def test_cross_network_of_low_rank_equals_equation_2() -> None:
    layer, x = CrossNetwork(2, rank=2), _inputs()
    layer(tf.constant(x))
    weights = _randomised(layer)
    layers = [(weights[3 * i], weights[3 * i + 1], weights[3 * i + 2]) for i in range(2)]
    expected = [networks.cross_low_rank(row, layers) for row in x]
    np.testing.assert_allclose(layer(tf.constant(x)).numpy(), expected, FLOAT32, FLOAT32)


def test_cross_network_with_zero_weights_is_the_identity() -> None:
    layer, x = CrossNetwork(2), tf.constant(_inputs())
    layer(x)
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


def _mixture_weights(
    layer: LowRankMixtureCross,
) -> tuple[list[tuple[Array, Array, Array, Array]], Array]:
    by_name = {variable.name.split("/")[-1]: variable.numpy() for variable in layer.variables}
    v, c, u, b = (by_name[f"{name}:0"] for name in "vcub")
    return [(v[e], c[e], u[e], b[e, 0]) for e in range(len(v))], by_name["kernel:0"]


def test_mixture_cross_equals_equations_3_and_4() -> None:
    layer = LowRankMixtureCross(3, 2)
    x0, x = _inputs(), _inputs()[::-1].copy()
    layer(tf.constant(x0), tf.constant(x))
    _randomised(layer)
    experts, gate = _mixture_weights(layer)
    expected = [networks.cross_mixture(a, b, experts, gate) for a, b in zip(x0, x, strict=True)]
    found = layer(tf.constant(x0), tf.constant(x)).numpy()
    np.testing.assert_allclose(found, expected, FLOAT32, FLOAT32)


def test_mixture_cross_does_not_depend_on_the_order_of_experts() -> None:
    layer, x = LowRankMixtureCross(3, 2), tf.constant(_inputs())
    layer(x, x)
    _randomised(layer)
    before = layer(x, x).numpy()
    order = [2, 0, 1]
    for variable in layer.variables:
        values = variable.numpy()
        permuted = values[:, order] if "kernel" in variable.name else values[order]
        variable.assign(permuted)
    np.testing.assert_allclose(layer(x, x).numpy(), before, FLOAT32, FLOAT32)


def test_mixture_network_stacks_layers_over_the_same_input() -> None:
    network, x = MixtureCrossNetwork(2, experts=2, rank=3), _inputs()
    network(tf.constant(x))
    _randomised(network)
    expected = []
    for row in x:
        current = row
        for layer in network._cross:
            experts, gate = _mixture_weights(layer)
            current = networks.cross_mixture(row, current, experts, gate)
        expected.append(current)
    found = network(tf.constant(x)).numpy()
    np.testing.assert_allclose(found, expected, FLOAT32, FLOAT32)


def test_dcn_parallel_is_the_cross_network_beside_the_deep_one() -> None:
    spec = DcnInteraction(kind="dcn", layers=2, combine="parallel", deep=(4,))
    layer, x = DeepCross(spec), _inputs()
    found = layer(tf.constant(x)).numpy()
    assert found.shape == (5, 6 + 4)
    w1, b1, w2, b2, deep_kernel, deep_bias = _randomised(layer)
    found = layer(tf.constant(x)).numpy()
    for row in range(5):
        crossed = networks.cross_full(x[row], [(w1, b1), (w2, b2)])
        deep = networks.perceptron(x[row], [(deep_kernel, deep_bias)])
        expected = np.concatenate([crossed, deep])
        np.testing.assert_allclose(found[row], expected, FLOAT32, FLOAT32)


def test_dcn_stacked_is_the_deep_network_over_the_cross_network() -> None:
    layer, x = DeepCross(DcnInteraction(kind="dcn", layers=1, deep=(4,))), _inputs()
    layer(tf.constant(x))
    w, b, deep_kernel, deep_bias = _randomised(layer)
    found = layer(tf.constant(x)).numpy()
    for row in range(5):
        crossed = networks.cross_full(x[row], [(w, b)])
        expected = networks.perceptron(crossed, [(deep_kernel, deep_bias)])
        np.testing.assert_allclose(found[row], expected, FLOAT32, FLOAT32)


@pytest.mark.parametrize("form", ["full", "low_rank", "mixture"])
@pytest.mark.parametrize(
    ("combine", "deep"), [("stacked", ()), ("stacked", (3,)), ("parallel", (3,))]
)
def test_dcn_gradients(form: str, combine: str, deep: tuple[int, ...]) -> None:
    spec = DcnInteraction.model_validate(
        {"kind": "dcn", "form": form, "combine": combine, "deep": deep}
    )
    layer, x = DeepCross(spec), tf.constant(_inputs(64))
    layer(x)
    _randomised(layer)  # zero biases would hide the mixture's gate behind equal experts
    assert_every_weight_learns(layer, lambda: tf.reduce_sum(layer(x) ** 2))
