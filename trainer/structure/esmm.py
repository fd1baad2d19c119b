"""Entire-space multi-task model (ESMM), for funnels of any depth.

    pCTCVR = pCTR · pCVR
    L      = mean ce(click, pCTR) + mean ce(click & conversion, pCTCVR)

over all impressions. In general, with chain(k) = (t_1, ..., t_n = k) from the funnel's top to k:

    log joint_k       = sum_i log σ(z_i)
    log (1 - joint_k) = log sum_i σ(-z_i) prod_{j<i} σ(z_j)
    L_k               = mean over b of -y log joint_k - (1 - y) log (1 - joint_k)

=======  ===========================================  =======
symbol   meaning                                      shape
=======  ===========================================  =======
z_i      logit of the chain's i-th task               (B, 1)
joint_k  P(every task of chain(k))                    (B, 1)
y        product of the labels along chain(k)         (B, 1)
=======  ===========================================  =======

A task that is given nothing has a chain of one, and L_k is its plain cross-entropy. The second line
says that an impression which does not reach k stops at exactly one first task i; all of its terms
are positive, so a log-sum-exp of log-sigmoids gives it without the cancellation of 1 - joint, and
loss and gradient stay finite for every finite logit.

A conditional task has no loss of its own: pCVR is learnt through the product, on all impressions.

Source: Ma et al., "Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click
Conversion Rate", SIGIR 2018, section 2.3.
"""

from collections.abc import Mapping

import tensorflow as tf

from rankbeam.trainer.structure.base import LossTerm, Structure, log_joint


class Esmm(Structure):
    """Cross-entropy of each task's joint probability over all rows."""

    def loss_terms(
        self, logits: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]
    ) -> dict[str, LossTerm]:
        """The joint loss of each task; see the base class for arguments."""
        terms = {}
        for task in self.funnel.tasks:
            chain = self.funnel.chain(task)
            reached = tf.reduce_prod(
                tf.stack([labels[self.funnel.label(step)] for step in chain]), axis=0
            )  # (B, 1)
            losses = -(
                reached * log_joint(chain, logits) + (1.0 - reached) * log_not_joint(chain, logits)
            )
            terms[task] = LossTerm(tf.reduce_sum(losses), tf.cast(tf.size(losses), tf.float32))
        return terms


def log_not_joint(chain: tuple[str, ...], logits: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Logarithm of one minus the product of σ(z) along a chain, (B, 1)."""
    stops = []
    passed = tf.zeros_like(logits[chain[0]])  # log P(every earlier task), (B, 1)
    for task in chain:
        stops.append(passed + tf.math.log_sigmoid(-logits[task]))
        passed += tf.math.log_sigmoid(logits[task])
    return tf.reduce_logsumexp(tf.stack(stops), axis=0)
