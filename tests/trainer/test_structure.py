"""Independent and ESMM losses against their definitions, and their limits."""

import math

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from rankbeam.trainer.model import build_structure
from rankbeam.trainer.specs import StructureSpec
from rankbeam.trainer.structure.base import Structure
from rankbeam.trainer.structure.esmm import Esmm
from rankbeam.trainer.structure.independent import Independent
from rankbeam.transform.funnel import Funnel
from rankbeam.transform.specs.tasks import TaskSpec
from tests.reference import losses
from tests.trainer.tolerances import FLOAT32

CLICK = {"click": TaskSpec(label="clicked")}
FUNNEL = CLICK | {"conversion": TaskSpec(label="converted", given="click", weight=0.5)}
DEEP = FUNNEL | {"return": TaskSpec(label="returned", given="conversion")}


def _column(*values: float) -> tf.Tensor:
    return tf.constant([[value] for value in values], tf.float32)


def _random(rows: int = 40) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Logits and labels of DEEP; a deeper label implies those above it."""
    rng = np.random.default_rng(6)
    clicked = rng.random((rows, 1)) < 0.6
    converted = clicked & (rng.random((rows, 1)) < 0.5)
    returned = converted & (rng.random((rows, 1)) < 0.5)
    columns = {"clicked": clicked, "converted": converted, "returned": returned}
    logits = {task: tf.constant(rng.normal(size=(rows, 1)), tf.float32) for task in DEEP}
    return logits, {name: tf.constant(value, tf.float32) for name, value in columns.items()}


def test_independent_by_hand() -> None:
    structure = Independent(Funnel(FUNNEL))
    logits = {"click": _column(0.0, math.log(3)), "conversion": _column(5.0, -math.log(3))}
    labels = {"clicked": _column(0, 1), "converted": _column(0, 0)}
    terms = structure.loss_terms(logits, labels)
    # click: p = 1/2 and 3/4, so -log(1/2) and -log(3/4) over two rows
    click = (math.log(2) + math.log(4 / 3)) / 2
    # conversion: the second row alone was clicked; p = 1/4 and y = 0, so -log(3/4)
    conversion = math.log(4 / 3)
    np.testing.assert_allclose(float(terms["click"].mean), click, FLOAT32)
    np.testing.assert_allclose(float(terms["conversion"].mean), conversion, FLOAT32)
    assert float(terms["conversion"].rows) == 1
    total = structure.total_loss(terms)
    np.testing.assert_allclose(float(total), click + 0.5 * conversion, FLOAT32)


def test_independent_equals_the_definition() -> None:
    logits, labels = _random()
    terms = Independent(Funnel(DEEP)).loss_terms(logits, labels)
    everyone = np.ones(40)
    for task, label, counted in [
        ("click", "clicked", everyone),
        ("conversion", "converted", labels["clicked"].numpy()),
        ("return", "returned", labels["converted"].numpy()),
    ]:
        expected = losses.masked_loss(labels[label].numpy(), logits[task].numpy(), counted)
        np.testing.assert_allclose(float(terms[task].mean), expected, FLOAT32)


def test_independent_masking_a_row_equals_dropping_it() -> None:
    logits, labels = _random()
    structure = Independent(Funnel(FUNNEL))
    masked = structure.loss_terms(logits, labels)["conversion"]
    keep = labels["clicked"][:, 0] == 1
    dropped = structure.loss_terms(
        {task: tf.boolean_mask(z, keep) for task, z in logits.items()},
        {name: tf.boolean_mask(y, keep) for name, y in labels.items()},
    )["conversion"]
    np.testing.assert_allclose(float(masked.mean), float(dropped.mean), FLOAT32)
    expected = log_loss(
        tf.boolean_mask(labels["converted"], keep).numpy().ravel(),
        tf.sigmoid(tf.boolean_mask(logits["conversion"], keep)).numpy().ravel(),
    )
    np.testing.assert_allclose(float(masked.mean), expected, FLOAT32)


def test_independent_without_a_counted_row_has_loss_and_gradient_zero() -> None:
    logits = tf.Variable(_column(1.0, -2.0))
    labels = {"clicked": _column(0, 0), "converted": _column(0, 0)}
    with tf.GradientTape() as tape:
        terms = Independent(Funnel(FUNNEL)).loss_terms(
            {"click": tf.zeros((2, 1)), "conversion": logits}, labels
        )
        loss = terms["conversion"].mean
    assert float(loss) == 0
    np.testing.assert_array_equal(tape.gradient(loss, logits).numpy(), [[0.0], [0.0]])


@pytest.mark.parametrize("structure", [Independent, Esmm])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_structure_with_a_single_class_has_a_finite_loss(
    structure: type[Structure], label: float
) -> None:
    logits, labels = _random()
    labels = {name: tf.fill(y.shape, label) for name, y in labels.items()}
    for term in structure(Funnel(DEEP)).loss_terms(logits, labels).values():
        assert math.isfinite(float(term.mean))


def test_esmm_by_hand() -> None:
    structure = Esmm(Funnel(FUNNEL))
    logits = {"click": _column(0.0, math.log(3)), "conversion": _column(0.0, math.log(3))}
    labels = {"clicked": _column(1, 1), "converted": _column(0, 1)}
    terms = structure.loss_terms(logits, labels)
    # pCTR = pCVR = 1/2 and 3/4, hence pCTCVR = 1/4 and 9/16
    click = (math.log(2) + math.log(4 / 3)) / 2
    ctcvr = (-math.log(1 - 1 / 4) - math.log(9 / 16)) / 2
    np.testing.assert_allclose(float(terms["click"].mean), click, FLOAT32)
    np.testing.assert_allclose(float(terms["conversion"].mean), ctcvr, FLOAT32)
    assert float(terms["conversion"].rows) == 2  # the entire space


def test_esmm_of_three_stages_equals_the_definition() -> None:
    logits, labels = _random()
    terms = Esmm(Funnel(DEEP)).loss_terms(logits, labels)
    expected = losses.esmm_losses(
        [labels[name].numpy() for name in ("clicked", "converted", "returned")],
        [logits[task].numpy() for task in ("click", "conversion", "return")],
    )
    found = [float(terms[task].mean) for task in ("click", "conversion", "return")]
    np.testing.assert_allclose(found, expected, FLOAT32)


def test_esmm_counts_a_conversion_without_its_click_as_none() -> None:
    logits = {"click": _column(0.0), "conversion": _column(0.0)}
    labels = {"clicked": _column(0), "converted": _column(1)}
    term = Esmm(Funnel(FUNNEL)).loss_terms(logits, labels)["conversion"]
    np.testing.assert_allclose(float(term.mean), -math.log(3 / 4), FLOAT32)


@pytest.mark.parametrize("size", [30.0, 100.0, 1e4])
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_esmm_is_finite_for_extreme_logits(
    size: float, signs: tuple[int, int], label: float
) -> None:
    click, conversion = (tf.Variable(_column(sign * size)) for sign in signs)
    labels = {"clicked": _column(1), "converted": _column(label)}
    with tf.GradientTape() as tape:
        terms = Esmm(Funnel(FUNNEL)).loss_terms({"click": click, "conversion": conversion}, labels)
        loss = terms["conversion"].mean
    assert math.isfinite(float(loss))
    for gradient in tape.gradient(loss, [click, conversion]):
        assert np.all(np.isfinite(gradient.numpy()))
    if label == 0 and signs == (1, 1):
        # 1 - σ(z)² ≈ 2 exp(-z), so the loss is about z - log 2: no saturation at float32's 1 - p.
        np.testing.assert_allclose(float(loss), size - math.log(2), 1e-4)


@pytest.mark.parametrize("structure", [Independent, Esmm])
def test_structure_of_one_task_is_plain_cross_entropy(structure: type[Structure]) -> None:
    logits, labels = _random()
    terms = structure(Funnel(CLICK)).loss_terms(logits, labels)
    expected = log_loss(
        labels["clicked"].numpy().ravel(), tf.sigmoid(logits["click"]).numpy().ravel()
    )
    assert list(terms) == ["click"]
    np.testing.assert_allclose(float(terms["click"].mean), expected, FLOAT32)


@pytest.mark.parametrize("structure", [Independent, Esmm])
def test_structure_total_is_linear_in_the_weights(structure: type[Structure]) -> None:
    logits, labels = _random()
    doubled = {
        name: task.model_copy(update={"weight": 2 * task.weight}) for name, task in DEEP.items()
    }
    single, double = structure(Funnel(DEEP)), structure(Funnel(doubled))
    terms = single.loss_terms(logits, labels)
    np.testing.assert_allclose(
        2 * float(single.total_loss(terms)), float(double.total_loss(terms)), FLOAT32
    )


def test_probabilities_are_named_by_the_funnel_and_multiply_along_it() -> None:
    logits, _ = _random()
    funnel = Funnel(DEEP)
    outputs = Esmm(funnel).probabilities(logits)
    assert set(outputs) == {output.name for output in funnel.outputs}
    product = outputs["click"] * outputs["conversion"]
    np.testing.assert_allclose(outputs["joint_conversion"].numpy(), product.numpy(), FLOAT32)
    product *= outputs["return"]
    np.testing.assert_allclose(outputs["joint_return"].numpy(), product.numpy(), FLOAT32)


def test_probabilities_leave_auxiliary_tasks_out() -> None:
    tasks = CLICK | {"dwell": TaskSpec(label="stayed", role="auxiliary")}
    outputs = Independent(Funnel(tasks)).probabilities(
        {"click": _column(0.0), "dwell": _column(0.0)}
    )
    assert list(outputs) == ["click"]


def test_build_structure_follows_the_spec() -> None:
    assert isinstance(build_structure(Funnel(FUNNEL), StructureSpec(kind="esmm")), Esmm)
    assert isinstance(build_structure(Funnel(FUNNEL), StructureSpec()), Independent)
