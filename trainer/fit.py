"""Fitting: epochs of optimizer steps, evaluation after each, early stopping.

A loop of our own in place of Keras's `fit`: the step is traced once without AutoGraph, losses are
kept as sums and row counts (exact over a split), and there is nothing else between two steps.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras

from rankbeam.trainer.batches import Batch, Split
from rankbeam.trainer.optimizer import build_optimizer
from rankbeam.trainer.specs import EarlyStoppingSpec, TrainingSpec
from rankbeam.trainer.structure.base import LossTerm, Structure
from rankbeam.transform.errors import DataError, GateError

Step = Callable[[Mapping[str, Any], Mapping[str, Any]], tf.Tensor]
"""Features and labels of a batch to the tasks' losses, (K, 2): sum and row count."""


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch did.

    Attributes:
        epoch: From 1.
        steps: Optimizer steps taken in it.
        seconds: Wall time, evaluation included.
        train_loss: Weighted sum of the tasks' mean losses while training, in nats.
        eval_loss: The same on the evaluation split after the epoch.
        train_task_losses: Mean loss of each task while training.
        eval_task_losses: Mean loss of each task on the evaluation split.
    """

    epoch: int
    steps: int
    seconds: float
    train_loss: float
    eval_loss: float
    train_task_losses: dict[str, float]
    eval_task_losses: dict[str, float]


@dataclass(frozen=True)
class History:
    """All epochs, and the one whose weights the model holds."""

    epochs: tuple[EpochRecord, ...]
    kept_epoch: int

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return dataclasses.asdict(self)


def fit(
    model: tf_keras.layers.Layer,
    structure: Structure,
    train: Split,
    evaluation: Split,
    spec: TrainingSpec,
) -> History:
    """Fits `model` in place.

    Args:
        model: Maps features to task name -> logits (B, 1).
        structure: Turns logits and labels into losses.
        train: Rows to learn from.
        evaluation: Rows to evaluate after each epoch.
        spec: Batch size, epochs, optimizer, early stopping, seed.

    Returns:
        Losses of every epoch.

    Raises:
        DataError: A split has no rows.
        GateError: The loss became NaN or infinite.
    """
    for name, split in (("train", train), ("eval", evaluation)):
        if split.rows == 0:
            raise DataError(f"split {name} must hold at least one row; got 0")
    loop = _Loop(model, structure, train, evaluation, spec)
    return loop.run()


class _Loop:
    """State of one fit: steps taken, best evaluation loss, weights to keep."""

    def __init__(
        self,
        model: tf_keras.layers.Layer,
        structure: Structure,
        train: Split,
        evaluation: Split,
        spec: TrainingSpec,
    ) -> None:
        self._model = model
        self._structure = structure
        self._train = train
        self._evaluation = evaluation
        self._spec = spec
        self._total_steps = total_steps(train.rows, spec)
        self._step = 0

    def run(self) -> History:
        """Runs epochs until the steps are used up or the evaluation loss no longer falls."""
        sample = next(self._train.batches(1))
        self._model({name: tf.constant(rows) for name, rows in sample.features.items()})
        optimizer = build_optimizer(self._spec.optimizer, self._total_steps)
        optimizer.build(self._model.trainable_variables)
        train_step = build_train_step(self._model, self._structure, optimizer, sample)
        eval_step = build_eval_step(self._model, self._structure, sample)
        stopper = _Stopper(self._spec.early_stopping)
        records: list[EpochRecord] = []
        while self._step < self._total_steps and not stopper.stopped:
            records.append(self._epoch(len(records) + 1, train_step, eval_step))
            stopper.see(records[-1], self._model)
        stopper.restore(self._model)
        return History(tuple(records), stopper.kept_epoch)

    def _epoch(self, epoch: int, train_step: Step, eval_step: Step) -> EpochRecord:
        started, first_step = time.perf_counter(), self._step
        sums = np.zeros((len(self._structure.funnel.tasks), 2))
        for batch in self._train.batches(self._spec.batch_size, self._shuffle_seed(epoch)):
            sums += train_step(batch.features, batch.labels).numpy()
            self._step += 1
            if self._step == self._total_steps:
                break
        train_loss, train_tasks = self._losses(sums, epoch, "train")
        sums = np.zeros_like(sums)
        for batch in self._evaluation.batches(self._spec.batch_size):
            sums += eval_step(batch.features, batch.labels).numpy()
        eval_loss, eval_tasks = self._losses(sums, epoch, "eval")
        return EpochRecord(
            epoch,
            self._step - first_step,
            time.perf_counter() - started,
            train_loss,
            eval_loss,
            train_tasks,
            eval_tasks,
        )

    def _shuffle_seed(self, epoch: int) -> int:
        return self._spec.seed * 1_000_003 + epoch

    def _losses(
        self, sums: npt.NDArray[np.float64], epoch: int, split: str
    ) -> tuple[float, dict[str, float]]:
        tasks = self._structure.funnel.tasks
        means = dict(zip(tasks, (sums[:, 0] / np.maximum(sums[:, 1], 1.0)).tolist(), strict=True))
        loss = sum(task.weight * means[name] for name, task in tasks.items())
        if not math.isfinite(loss):
            raise GateError(
                f"training: the {split} loss must stay finite; got {loss} in epoch {epoch} with "
                f"training.optimizer.learning_rate {self._spec.optimizer.learning_rate} (lower it, "
                "or set training.optimizer.clip_norm)"
            )
        return loss, means


class _Stopper:
    """Early stopping: remembers the best epoch's weights; without a spec, the last epoch's stay."""

    def __init__(self, spec: EarlyStoppingSpec | None) -> None:
        self._spec = spec
        self._best = math.inf
        self._weights: list[npt.NDArray[Any]] | None = None
        self._waited = 0
        self.kept_epoch = 0

    @property
    def stopped(self) -> bool:
        """Whether the loss has not fallen for `patience_epochs` epochs."""
        return self._spec is not None and self._waited >= self._spec.patience_epochs

    def see(self, record: EpochRecord, model: tf_keras.layers.Layer) -> None:
        """Takes note of an epoch that has ended."""
        if self._spec is None:
            self.kept_epoch = record.epoch
        elif record.eval_loss < self._best - self._spec.min_delta:
            self.kept_epoch, self._best, self._waited = record.epoch, record.eval_loss, 0
            self._weights = model.get_weights()
        else:
            self._waited += 1

    def restore(self, model: tf_keras.layers.Layer) -> None:
        """Puts the kept epoch's weights back."""
        if self._weights is not None:
            model.set_weights(self._weights)


def total_steps(rows: int, spec: TrainingSpec) -> int:
    """Number of optimizer steps over all epochs, early stopping aside."""
    steps = spec.epochs * math.ceil(rows / spec.batch_size)
    return steps if spec.max_steps is None else min(steps, spec.max_steps)


def build_train_step(
    model: tf_keras.layers.Layer,
    structure: Structure,
    optimizer: tf_keras.optimizers.Optimizer,
    sample: Batch,
) -> Step:
    """A traced function that updates the weights once and returns the losses before the update."""

    def step(features: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            terms = structure.loss_terms(model(features, training=True), labels)
            loss = tf.add_n([structure.total_loss(terms), *model.losses])
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return _sums(terms)

    return _traced(step, sample)


def build_eval_step(model: tf_keras.layers.Layer, structure: Structure, sample: Batch) -> Step:
    """A traced function that returns the losses."""

    def step(features: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _sums(structure.loss_terms(model(features, training=False), labels))

    return _traced(step, sample)


def _sums(terms: Mapping[str, LossTerm]) -> tf.Tensor:
    return tf.stack([tf.stack([term.total, term.rows]) for term in terms.values()])  # (K, 2)


def _traced(step: Step, sample: Batch) -> Step:
    """`step` as one graph for batches of any size."""
    signature = tuple(
        {
            name: tf.TensorSpec((None, *rows.shape[1:]), tf.as_dtype(rows.dtype), name=name)
            for name, rows in columns.items()
        }
        for columns in sample
    )
    traced: Step = tf.function(step, input_signature=signature, autograph=False)
    return traced
