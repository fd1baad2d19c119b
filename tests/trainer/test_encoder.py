"""Encoder: look-ups, pooling, the L2 penalty, gradients."""

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.trainer.encoder import Encoder
from rankbeam.trainer.specs import EncoderSpec
from tests.trainer import layouts
from tests.trainer.gradients import assert_every_weight_learns
from tests.trainer.tolerances import FLOAT32

TABLE = np.array([[9.0, 9.0], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
"""Rows 0 (missing, padding) to 3."""


def test_encoder_concatenates_embeddings_then_numbers() -> None:
    features = layouts.layout(
        layouts.numeric("age", indicator=True),
        layouts.indexed("device", 4),
        layouts.numeric("price"),
    )
    encoder = Encoder(features, EncoderSpec(embedding_dim=2))
    batch = {
        "age": tf.constant([[0.5], [1.5]]),
        "age__missing": tf.constant([[0.0], [1.0]]),
        "device": tf.constant([[2], [0]]),
        "price": tf.constant([[7.0], [8.0]]),
    }
    encoder(batch)
    encoder.set_weights([TABLE])
    # A missing device has index 0 and an embedding of its own.
    expected = [[3.0, 4.0, 0.5, 0.0, 7.0], [9.0, 9.0, 1.5, 1.0, 8.0]]
    np.testing.assert_array_equal(encoder(batch).numpy(), expected)


@pytest.mark.parametrize(
    ("combiner", "two_values"),
    [
        ("sum", [1.0 + 5.0, 2.0 + 6.0]),
        ("mean", [6.0 / 2, 8.0 / 2]),
        ("sqrtn", [6.0 / 2**0.5, 8.0 / 2**0.5]),
    ],
)
def test_encoder_pools_bags_without_their_padding(
    combiner: layouts.Combiner, two_values: list[float]
) -> None:
    encoder = Encoder(
        layouts.layout(layouts.bag("tags", 4, 3, combiner)), EncoderSpec(embedding_dim=2)
    )
    batch = {"tags": tf.constant([[1, 3, 0], [0, 0, 0], [2, 0, 0]])}
    encoder(batch)
    encoder.set_weights([TABLE])
    expected = [two_values, [0.0, 0.0], [3.0, 4.0]]  # the second bag is empty
    np.testing.assert_allclose(encoder(batch).numpy(), expected, FLOAT32)


def test_encoder_l2_counts_what_the_batch_looks_up() -> None:
    features = layouts.layout(layouts.indexed("device", 4), layouts.bag("tags", 4, 2))
    encoder = Encoder(features, EncoderSpec(embedding_dim=2, embedding_l2=0.1))
    batch = {"device": tf.constant([[1], [1]]), "tags": tf.constant([[2, 3], [2, 0]])}
    encoder(batch)
    encoder.set_weights([TABLE, TABLE])
    encoder(batch)
    # device: 2 · (1² + 2²) = 10;  tags: 2 · (3² + 4²) + (5² + 6²) = 111;  padding: nothing
    # 0.1 · (10 + 111) / 2 rows = 6.05
    np.testing.assert_allclose(float(tf.add_n(encoder.losses)), 6.05, FLOAT32)


def test_encoder_takes_the_width_of_a_feature_before_the_default() -> None:
    features = layouts.layout(layouts.indexed("wide", 4, dim=7), layouts.indexed("narrow", 4))
    encoder = Encoder(features, EncoderSpec(embedding_dim=2))
    x = encoder({"wide": tf.constant([[1]]), "narrow": tf.constant([[1]])})
    assert x.shape == (1, 9)


@pytest.mark.parametrize(
    ("init", "bounds"), [("fixed", [0.05, 0.05]), ("table_size", [1 / 4**0.5, 1 / 10_000**0.5])]
)
def test_encoder_starts_within_the_bounds_it_states(init: str, bounds: list[float]) -> None:
    features = layouts.layout(layouts.indexed("small", 4), layouts.indexed("large", 10_000))
    encoder = Encoder(features, EncoderSpec.model_validate({"embedding_init": init}))
    encoder({"small": tf.constant([[1]]), "large": tf.constant([[1]])})
    for table, bound in zip(encoder.get_weights(), bounds, strict=True):
        # 64 values or more: the largest comes near the bound and never passes it.
        assert 0.8 * bound < np.abs(table).max() <= bound


def test_encoder_updates_only_the_rows_it_looked_up() -> None:
    encoder = Encoder(layouts.layout(layouts.bag("tags", 4, 2)), EncoderSpec(embedding_dim=2))
    batch = {"tags": tf.constant([[2, 0]])}
    encoder(batch)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(batch))
    gradient = tf.convert_to_tensor(tape.gradient(loss, encoder.trainable_variables[0])).numpy()
    np.testing.assert_array_equal(gradient, [[0, 0], [0, 0], [1, 1], [0, 0]])


def test_encoder_takes_any_feature_name() -> None:
    encoder = Encoder(layouts.layout(layouts.indexed("buyer's Zip / Code", 4)), EncoderSpec())
    assert encoder({"buyer's Zip / Code": tf.constant([[1]])}).shape == (1, 16)


def test_encoder_gradients() -> None:
    encoder = Encoder(layouts.SMALL, EncoderSpec(embedding_dim=3, embedding_l2=0.01, dropout=0.1))
    features = layouts.small_features(32)
    encoder(features)
    assert_every_weight_learns(
        encoder, lambda: tf.reduce_sum(encoder(features, training=True)) + tf.add_n(encoder.losses)
    )
