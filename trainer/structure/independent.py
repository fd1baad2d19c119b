"""Independent towers: each task learns its own conditional probability where that is defined.

    L_k = sum_b m_kb · ce(y_kb, σ(z_kb)) / max(1, sum_b m_kb)
    m_kb = 1 for a task without `given`, else the label of the given task

======  ================================================  =======
symbol  meaning                                           shape
======  ================================================  =======
z_k     logit of task k                                   (B, 1)
y_k     label of task k                                   (B, 1)
m_k     1 where the row counts for task k                 (B, 1)
ce      binary cross-entropy, -y log p - (1-y) log(1-p)   (B, 1)
======  ================================================  =======

Masking a row equals leaving it out; a batch without any counted row has loss 0 and gradient 0.
This is the conventional conversion model, trained on clicked impressions only (the baseline of
Ma et al., "Entire Space Multi-Task Model", SIGIR 2018, section 2.2).
"""

from collections.abc import Mapping

import tensorflow as tf

from rankbeam.trainer.structure.base import LossTerm, Structure


class Independent(Structure):
    """Cross-entropy of each task over the rows on which it is defined."""

    def loss_terms(
        self, logits: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]
    ) -> dict[str, LossTerm]:
        """The masked loss of each task; see the base class for arguments."""
        terms = {}
        for task, spec in self.funnel.tasks.items():
            losses = tf.nn.sigmoid_cross_entropy_with_logits(
                labels=labels[spec.label], logits=logits[task]
            )  # (B, 1)
            if spec.given is None:
                mask = tf.ones_like(losses)
            else:
                mask = labels[self.funnel.label(spec.given)]  # (B, 1)
            terms[task] = LossTerm(tf.reduce_sum(mask * losses), tf.reduce_sum(mask))
        return terms
