"""Fitting: it learns, repeats, stops, keeps the best epoch, and refuses what it cannot use."""

import math

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.trainer.batches import CachedSplit
from rankbeam.trainer.fit import History, fit, total_steps
from rankbeam.trainer.model import RankingModel, build_structure
from rankbeam.trainer.seeding import start_afresh
from rankbeam.trainer.specs import ModelSpec, TrainingSpec
from rankbeam.transform.errors import DataError, GateError
from rankbeam.transform.funnel import Funnel
from rankbeam.transform.specs.tasks import TaskSpec
from tests.reference import losses
from tests.trainer import layouts
from tests.trainer.tolerances import FLOAT32

LABELS = ("click", "conversion")
FUNNEL = Funnel(
    {
        "click": TaskSpec(label="click"),
        "conversion": TaskSpec(label="conversion", given="click", weight=0.5),
    }
)
SPEC = ModelSpec.model_validate(
    {
        "encoder": {"embedding_dim": 4, "embedding_l2": 1e-4, "dropout": 0.1},
        "interaction": {"kind": "dcn", "layers": 1},
        "sharing": {"kind": "mmoe", "experts": 2, "hidden": [8]},
        "towers": {"hidden": []},
    }
)


def _split(rows: int, seed: int) -> CachedSplit:
    return CachedSplit(layouts.small_columns(rows, seed), LABELS)


def _fit(
    spec: TrainingSpec, train: CachedSplit | None = None, evaluation: CachedSplit | None = None
) -> tuple[RankingModel, History]:
    start_afresh(spec.seed)
    model = RankingModel(layouts.SMALL, tuple(FUNNEL.tasks), SPEC)
    structure = build_structure(FUNNEL, SPEC.structure)
    train = _split(500, 0) if train is None else train
    evaluation = _split(200, 1) if evaluation is None else evaluation
    return model, fit(model, structure, train, evaluation, spec)


def _training(**options: object) -> TrainingSpec:
    return TrainingSpec.model_validate({"batch_size": 64, **options})


def test_fit_lowers_both_losses() -> None:
    _, history = _fit(_training(epochs=6, optimizer={"learning_rate": 0.02}))
    first, *_, last = history.epochs
    assert [record.epoch for record in history.epochs] == [1, 2, 3, 4, 5, 6]
    assert last.train_loss < first.train_loss
    assert last.eval_loss < first.eval_loss
    assert last.eval_task_losses["click"] < math.log(2)  # better than a coin


def test_fit_reports_exact_losses_of_the_evaluation_split() -> None:
    evaluation = _split(150, 2)  # two batches of 64 and a smaller one
    model, history = _fit(_training(epochs=1), evaluation=evaluation)
    features = {n: tf.constant(v) for n, v in evaluation.columns.items() if n not in LABELS}
    logits = {task: z.numpy() for task, z in model(features).items()}
    click, conversion = (evaluation.columns[label] for label in LABELS)
    expected = {
        "click": losses.masked_loss(click, logits["click"], np.ones_like(click)),
        "conversion": losses.masked_loss(conversion, logits["conversion"], click),
    }
    found = history.epochs[0]
    for task, loss in expected.items():
        np.testing.assert_allclose(found.eval_task_losses[task], loss, FLOAT32)
    total = expected["click"] + 0.5 * expected["conversion"]
    np.testing.assert_allclose(found.eval_loss, total, FLOAT32)


def test_fit_repeats_itself_to_the_last_bit() -> None:
    (one, _), (other, _) = _fit(_training(epochs=2)), _fit(_training(epochs=2))
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    third, _ = _fit(_training(epochs=2, seed=8))
    assert not np.array_equal(one.get_weights()[0], third.get_weights()[0])


def test_fit_stops_early_and_keeps_the_best_weights() -> None:
    spec = _training(
        epochs=30,
        optimizer={"learning_rate": 0.5},
        early_stopping={"patience_epochs": 2},
    )
    evaluation = _split(200, 1)
    model, history = _fit(spec, evaluation=evaluation)
    eval_losses = [record.eval_loss for record in history.epochs]
    best = int(np.argmin(eval_losses))
    assert len(eval_losses) < 30
    assert history.kept_epoch == best + 1
    assert len(eval_losses) == best + 1 + 2  # patience
    features = {n: tf.constant(v) for n, v in evaluation.columns.items() if n not in LABELS}
    structure = build_structure(FUNNEL, SPEC.structure)
    labels = {label: tf.constant(evaluation.columns[label]) for label in LABELS}
    kept = float(structure.total_loss(structure.loss_terms(model(features), labels)))
    np.testing.assert_allclose(kept, eval_losses[best], FLOAT32)


def test_fit_without_early_stopping_keeps_the_last_epoch() -> None:
    _, history = _fit(_training(epochs=3, optimizer={"learning_rate": 0.5}))
    assert history.kept_epoch == 3


def test_fit_stops_after_max_steps_even_inside_an_epoch() -> None:
    _, history = _fit(_training(epochs=5, max_steps=11))
    assert [record.steps for record in history.epochs] == [8, 3]  # 500 rows are 8 batches of 64


@pytest.mark.parametrize(
    ("rows", "options", "expected"),
    [
        (500, {"epochs": 2}, 16),
        (512, {"epochs": 2}, 16),
        (1, {"epochs": 1}, 1),
        (500, {"epochs": 2, "max_steps": 5}, 5),
        (500, {"epochs": 2, "max_steps": 500}, 16),
    ],
)
def test_total_steps(rows: int, options: dict[str, int], expected: int) -> None:
    assert total_steps(rows, _training(**options)) == expected


@pytest.mark.parametrize("kind", ["adam", "adagrad", "sgd"])
def test_fit_takes_every_optimizer(kind: str) -> None:
    spec = _training(
        epochs=2,
        optimizer={"kind": kind, "learning_rate": 0.05, "decay": "cosine", "clip_norm": 1.0},
    )
    _, history = _fit(spec)
    assert history.epochs[1].train_loss < history.epochs[0].train_loss


def test_fit_survives_batches_without_a_counted_row() -> None:
    columns = layouts.small_columns(100)
    nothing = {name: np.zeros_like(columns[name]) for name in LABELS}
    _, history = _fit(_training(epochs=1), train=CachedSplit(columns | nothing, LABELS))
    assert history.epochs[0].train_task_losses["conversion"] == 0


@pytest.mark.parametrize("empty", ["train", "eval"])
def test_fit_refuses_an_empty_split(empty: str) -> None:
    splits = {"train": _split(10, 0), "eval": _split(10, 0), empty: _split(0, 0)}
    with pytest.raises(DataError, match=f"split {empty} must hold at least one row; got 0"):
        _fit(_training(), splits["train"], splits["eval"])


def test_fit_refuses_a_loss_that_is_not_finite() -> None:
    spec = _training(optimizer={"kind": "sgd", "learning_rate": 1e30})
    with pytest.raises(GateError, match=r"loss must stay finite; got (nan|inf) in epoch 1"):
        _fit(spec)


def test_history_is_plain_data() -> None:
    _, history = _fit(_training(epochs=1))
    plain = history.as_json()
    assert plain["kept_epoch"] == 1
    assert set(plain["epochs"][0]["eval_task_losses"]) == {"click", "conversion"}
