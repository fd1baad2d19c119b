"""What every task structure shares: probabilities along the funnel, and losses as sums.

    p_k     = σ(z_k)                       P(task k | the task it is given)
    joint_k = prod of p_j, j in chain(k)   P(every task from the funnel's top down to k)

=======  ============================  =======
symbol   meaning                       shape
=======  ============================  =======
z_k      logit of task k               (B, 1)
p_k      probability of task k         (B, 1)
joint_k  its joint probability         (B, 1)
=======  ============================  =======

A loss is kept as a sum and a number of rows, so that losses of batches add up to the exact loss of
a split even where each batch counts another number of rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from rankbeam.transform.funnel import Funnel


class LossTerm(NamedTuple):
    """Sum of a task's cross-entropies over the rows that count, and their number.

    Attributes:
        total: Sum in nats, scalar.
        rows: Number of rows that count, scalar float32.
    """

    total: tf.Tensor
    rows: tf.Tensor

    @property
    def mean(self) -> tf.Tensor:
        """Mean over the rows that count; 0 where none does."""
        return self.total / tf.maximum(self.rows, 1.0)


@dataclass(frozen=True)
class Structure:
    """A funnel seen as probabilities and losses; the subclasses give the losses.

    Attributes:
        funnel: Tasks and their conditions.
    """

    funnel: Funnel

    def loss_terms(
        self, logits: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]
    ) -> dict[str, LossTerm]:
        """The loss of each task.

        Args:
            logits: Task name to logits (B, 1).
            labels: Label column to float32 labels (B, 1), 0 or 1.

        Returns:
            Task name to its loss.
        """
        raise NotImplementedError

    def total_loss(self, terms: Mapping[str, LossTerm]) -> tf.Tensor:
        """Sum of the tasks' mean losses times their weights, scalar."""
        return tf.add_n(
            [self.funnel.tasks[task].weight * term.mean for task, term in terms.items()]
        )

    def probabilities(self, logits: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Every output of the funnel, by output name, each (B, 1)."""
        conditional = {task: tf.sigmoid(logits[task]) for task in self.funnel.primary}
        joint = {
            self.funnel.joint_name(task): tf.exp(log_joint(self.funnel.chain(task), logits))
            for task in self.funnel.primary
            if task in self.funnel.conditional
        }
        return conditional | joint


def log_joint(chain: tuple[str, ...], logits: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Logarithm of the product of σ(z) along a chain, as a sum of log-sigmoids, (B, 1)."""
    return tf.add_n([tf.math.log_sigmoid(logits[task]) for task in chain])
