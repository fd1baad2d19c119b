"""Progressive layered extraction (PLE); one level of it is customized gate control (CGC).

At level j = 1..J, group g is a task k = 1..K or the shared group s:

    g_k(x) = softmax(x_k W_k)       over the experts of k and of s
    g_s(x) = softmax(x_s W_s)       over the experts of all groups
    x_k'   = sum over the same experts of gate times expert output

The outputs x' are the inputs of level j + 1; the last level has no shared gate. At level 1 every
x_k and x_s is the layer's input x.

======  ===================================================  ===========
symbol  meaning                                              shape
======  ===================================================  ===========
x_g     input of group g's experts and gate                  (B, D_j)
M_k     number of own experts of task k                      scalar
M_s     number of shared experts                             scalar
W_k     gate weights of task k                               (D_j, M_k + M_s)
W_s     gate weights of the shared group                     (D_j, K M_k + M_s)
x_g'    output of group g                                    (B, H)
======  ===================================================  ===========

D_1 is the input's width, D_j = H afterwards.

Source: Tang et al., "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL) Model
for Personalized Recommendations", RecSys 2020, section 4.1 (CGC) and 4.2 (PLE).
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from rankbeam.trainer.experts import Experts, mix


class ExtractionLevel(tf_keras.layers.Layer):
    """One level: own experts for each task, shared experts, and their gates.

    Args:
        tasks: Number of tasks K.
        task_experts: Number of own experts of each task, M_k.
        shared_experts: Number of shared experts, M_s.
        hidden: Widths of each expert; at least one.
        dropout: Probability of dropping an expert's activation while training.
        last: Whether this is the last level, which has no shared gate.
        name: Layer name.
    """

    def __init__(
        self,
        tasks: int,
        task_experts: int,
        shared_experts: int,
        hidden: Sequence[int],
        *,
        dropout: float = 0.0,
        last: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self._own = [
            Experts(task_experts, hidden, dropout=dropout, name=f"task_{k}_experts")
            for k in range(tasks)
        ]
        self._shared = Experts(shared_experts, hidden, dropout=dropout, name="shared_experts")
        self._gates = [_gate(task_experts + shared_experts, f"task_{k}") for k in range(tasks)]
        everyone = tasks * task_experts + shared_experts
        self._shared_gate = None if last else _gate(everyone, "shared")

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> tuple[tf.Tensor, ...]:
        """Maps K + 1 tensors (B, D), the shared one last, to K + 1 (K at the last level) (B, H)."""
        *task_inputs, shared_input = inputs
        shared = self._shared(shared_input, training=training)  # (B, M_s, H)
        own = [
            experts(x, training=training)  # (B, M_k, H)
            for experts, x in zip(self._own, task_inputs, strict=True)
        ]
        outputs = [
            mix(gate(x), tf.concat([mine, shared], axis=1))  # (B, H)
            for gate, x, mine in zip(self._gates, task_inputs, own, strict=True)
        ]
        if self._shared_gate is not None:
            everyone = tf.concat([*own, shared], axis=1)  # (B, K M_k + M_s, H)
            outputs.append(mix(self._shared_gate(shared_input), everyone))
        return tuple(outputs)


class Ple(tf_keras.layers.Layer):
    """J extraction levels.

    Args:
        tasks: Number of tasks K.
        levels: Number of levels J.
        task_experts: Number of own experts of each task and level.
        shared_experts: Number of shared experts of each level.
        hidden: Widths of each expert; at least one.
        dropout: Probability of dropping an expert's activation while training.
        name: Layer name.
    """

    def __init__(
        self,
        tasks: int,
        *,
        levels: int,
        task_experts: int,
        shared_experts: int,
        hidden: Sequence[int],
        dropout: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self._tasks = tasks
        self._levels = [
            ExtractionLevel(
                tasks,
                task_experts,
                shared_experts,
                hidden,
                dropout=dropout,
                last=level == levels - 1,
                name=f"level_{level}",
            )
            for level in range(levels)
        ]

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """Maps (B, D) to K tensors (B, H)."""
        states: tuple[tf.Tensor, ...] = (x,) * (self._tasks + 1)
        for level in self._levels:
            states = level(states, training=training)
        return states


def _gate(experts: int, owner: str) -> tf_keras.layers.Dense:
    return tf_keras.layers.Dense(
        experts, activation="softmax", use_bias=False, name=f"{owner}_gate"
    )
