"""The ranking model: encoder, interaction, sharing and towers, composed as the config says.

    x = interaction(encoder(features));    (f_1, ..., f_K) = sharing(x);    z_k = tower_k(f_k)

========  =============================================  ==================
symbol    meaning                                        shape
========  =============================================  ==================
features  transformed features by name                   (B, 1) or (B, V)
x         encoded and crossed impression                 (B, D)
f_k       what task k's tower reads                      (B, H)
z_k       logit of task k                                (B, 1)
========  =============================================  ==================

The task structure stands apart (`rankbeam.trainer.structure`): it turns logits into probabilities
and losses and has no weights. A single task is the same model with K = 1.
"""

from collections.abc import Mapping

import tensorflow as tf
import tf_keras

from rankbeam.trainer.encoder import Encoder
from rankbeam.trainer.interaction.dcn import DeepCross
from rankbeam.trainer.keras_check import check_legacy_keras
from rankbeam.trainer.sharing.mmoe import Mmoe
from rankbeam.trainer.sharing.ple import Ple
from rankbeam.trainer.sharing.shared_bottom import SharedBottomLayer
from rankbeam.trainer.specs import (
    DcnInteraction,
    Interaction,
    MmoeSharing,
    ModelSpec,
    SharedBottom,
    Sharing,
    StructureSpec,
)
from rankbeam.trainer.structure.base import Structure
from rankbeam.trainer.structure.esmm import Esmm
from rankbeam.trainer.structure.independent import Independent
from rankbeam.trainer.towers import Tower
from rankbeam.transform.funnel import Funnel
from rankbeam.transform.layout import TransformedFeature


class RankingModel(tf_keras.layers.Layer):
    """Maps transformed features to one logit for each task.

    Args:
        layout: Transformed features by name.
        tasks: Task names, in the order of the towers.
        spec: The four choices.

    Raises:
        EnvironmentFault: TensorFlow runs another Keras than version 2.
    """

    def __init__(
        self, layout: Mapping[str, TransformedFeature], tasks: tuple[str, ...], spec: ModelSpec
    ) -> None:
        check_legacy_keras()
        super().__init__(name="ranking_model")
        self._tasks = tasks
        self._encoder = Encoder(layout, spec.encoder, name="encoder")
        self._interaction = _interaction_layer(spec.interaction)
        self._sharing = _sharing_layer(spec.sharing, len(tasks))
        self._towers = [
            Tower(spec.towers.hidden, dropout=spec.towers.dropout, name=f"tower_{task}")
            for task in tasks
        ]

    def call(
        self, features: Mapping[str, tf.Tensor], training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Maps transformed features to task name -> logits (B, 1)."""
        x = self._encoder(features, training=training)  # (B, D)
        if self._interaction is not None:
            x = self._interaction(x, training=training)  # (B, D')
        shared = self._sharing(x, training=training)  # K of (B, H)
        return {
            task: tower(f, training=training)  # (B, 1)
            for task, tower, f in zip(self._tasks, self._towers, shared, strict=True)
        }


def build_structure(funnel: Funnel, spec: StructureSpec) -> Structure:
    """The task structure that the config names."""
    return Esmm(funnel) if spec.kind == "esmm" else Independent(funnel)


def _interaction_layer(spec: Interaction) -> tf_keras.layers.Layer | None:
    return DeepCross(spec, name="dcn") if isinstance(spec, DcnInteraction) else None


def _sharing_layer(spec: Sharing, tasks: int) -> tf_keras.layers.Layer:
    if isinstance(spec, SharedBottom):
        return SharedBottomLayer(tasks, spec.hidden, dropout=spec.dropout, name="sharing")
    if isinstance(spec, MmoeSharing):
        return Mmoe(
            tasks,
            spec.experts,
            spec.hidden,
            dropout=spec.dropout,
            gate_dropout=spec.gate_dropout,
            name="sharing",
        )
    return Ple(
        tasks,
        levels=spec.levels,
        task_experts=spec.task_experts,
        shared_experts=spec.shared_experts,
        hidden=spec.hidden,
        dropout=spec.dropout,
        name="sharing",
    )
