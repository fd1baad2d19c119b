"""The composed model: every combination learns, one task is plain, towers stand apart."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.trainer.model import RankingModel, build_structure
from rankbeam.trainer.seeding import start_afresh
from rankbeam.trainer.specs import ModelSpec
from rankbeam.transform.funnel import Funnel
from rankbeam.transform.specs.tasks import TaskSpec
from tests.trainer import layouts
from tests.trainer.gradients import assert_every_weight_learns
from tests.trainer.tolerances import FLOAT32

FUNNEL = Funnel(
    {"click": TaskSpec(label="click"), "conversion": TaskSpec(label="conversion", given="click")}
)
INTERACTIONS = [
    {"kind": "none"},
    {"kind": "dcn", "layers": 1},
    {"kind": "dcn", "layers": 1, "form": "mixture", "rank": 2, "experts": 2, "deep": [8]},
]
SHARINGS = [
    {"kind": "shared_bottom", "hidden": [8]},
    {"kind": "mmoe", "experts": 2, "hidden": [8]},
    {"kind": "ple", "levels": 2, "shared_experts": 1, "task_experts": 1, "hidden": [8]},
]
STRUCTURES = ["independent", "esmm"]


def _labels(rows: int) -> dict[str, tf.Tensor]:
    columns = layouts.small_columns(rows)
    return {name: tf.constant(columns[name]) for name in FUNNEL.labels}


@pytest.mark.parametrize(
    ("interaction", "sharing", "structure"),
    list(itertools.product(INTERACTIONS, SHARINGS, STRUCTURES)),
)
def test_model_every_combination_learns_in_every_weight(
    interaction: dict[str, object], sharing: dict[str, object], structure: str
) -> None:
    start_afresh(3)
    spec = ModelSpec.model_validate(
        {
            "encoder": {"embedding_dim": 4},
            "interaction": interaction,
            "sharing": sharing,
            "structure": {"kind": structure},
            "towers": {"hidden": [8]},
        }
    )
    model = RankingModel(layouts.SMALL, ("click", "conversion"), spec)
    built = build_structure(FUNNEL, spec.structure)
    features, labels = layouts.small_features(256), _labels(256)
    logits = model(features)
    assert {task: z.shape for task, z in logits.items()} == {
        "click": (256, 1),
        "conversion": (256, 1),
    }
    assert_every_weight_learns(
        model, lambda: built.total_loss(built.loss_terms(model(features, training=True), labels))
    )


def test_model_of_one_task_without_layers_is_logistic_regression() -> None:
    spec = ModelSpec.model_validate(
        {"sharing": {"kind": "shared_bottom", "hidden": []}, "towers": {"hidden": []}}
    )
    features = layouts.layout(layouts.numeric("a"), layouts.numeric("b"))
    model = RankingModel(features, ("click",), spec)
    batch = {"a": tf.constant([[1.0], [2.0]]), "b": tf.constant([[3.0], [5.0]])}
    model(batch)
    model.set_weights([np.array([[2.0], [-1.0]]), np.array([0.5])])
    # 2·1 - 3 + 0.5 = -0.5;  2·2 - 5 + 0.5 = -0.5
    np.testing.assert_allclose(model(batch)["click"].numpy(), [[-0.5], [-0.5]], FLOAT32)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_model_of_one_task_has_the_same_logit_under_either_structure(
    sharing: dict[str, object],
) -> None:
    funnel = Funnel({"click": TaskSpec(label="click")})
    model = RankingModel(layouts.SMALL, ("click",), ModelSpec.model_validate({"sharing": sharing}))
    logits = model(layouts.small_features(20))
    found = [
        build_structure(funnel, ModelSpec.model_validate({"structure": {"kind": kind}}).structure)
        for kind in STRUCTURES
    ]
    one, other = (float(s.total_loss(s.loss_terms(logits, _labels(20)))) for s in found)
    np.testing.assert_allclose(one, other, FLOAT32)


def test_model_towers_of_two_tasks_do_not_share_weights() -> None:
    spec = ModelSpec.model_validate({"sharing": {"kind": "shared_bottom", "hidden": []}})
    model = RankingModel(layouts.SMALL, ("click", "conversion"), spec)
    features = layouts.small_features(10)
    with tf.GradientTape() as tape:
        logit = tf.reduce_sum(model(features)["click"])
    gradients = tape.gradient(logit, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert (gradient is None) == ("tower_conversion" in variable.name)


def test_model_dropout_is_off_when_serving() -> None:
    spec = ModelSpec.model_validate({"encoder": {"dropout": 0.5}, "towers": {"dropout": 0.5}})
    model = RankingModel(layouts.SMALL, ("click",), spec)
    features = layouts.small_features(10)
    np.testing.assert_array_equal(
        model(features)["click"].numpy(), model(features)["click"].numpy()
    )
    assert not np.allclose(
        model(features, training=True)["click"].numpy(), model(features)["click"].numpy()
    )
