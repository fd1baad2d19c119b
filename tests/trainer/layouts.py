"""Small layouts and batches that the tests of models share."""

from typing import Any, Literal

import numpy as np
import tensorflow as tf

from rankbeam.transform.layout import TransformedFeature

Combiner = Literal["mean", "sum", "sqrtn"]


def indexed(name: str, size: int, dim: int | None = None) -> TransformedFeature:
    """A feature with one index."""
    return TransformedFeature(
        name=name,
        kind="categorical",
        index_size=size,
        max_values=1,
        embedding_dim=dim,
        combiner=None,
        has_indicator=False,
    )


def bag(name: str, size: int, width: int, combiner: Combiner = "mean") -> TransformedFeature:
    """A multivalent feature."""
    return TransformedFeature(
        name=name,
        kind="multivalent",
        index_size=size,
        max_values=width,
        embedding_dim=None,
        combiner=combiner,
        has_indicator=False,
    )


def numeric(name: str, *, indicator: bool = False) -> TransformedFeature:
    """A float feature."""
    return TransformedFeature(
        name=name,
        kind="numeric",
        index_size=None,
        max_values=1,
        embedding_dim=None,
        combiner=None,
        has_indicator=indicator,
    )


def layout(*features: TransformedFeature) -> dict[str, TransformedFeature]:
    """Features by name."""
    return {feature.name: feature for feature in features}


SMALL = layout(indexed("device", 4), bag("interests", 6, 3), numeric("age", indicator=True))
"""One feature of each shape."""


def small_columns(rows: int, seed: int = 0) -> dict[str, Any]:
    """Random columns of SMALL and of the labels click and conversion, as arrays.

    Labels depend on the features, so that there is something to learn.
    """
    rng = np.random.default_rng(seed)
    device = rng.integers(1, 4, (rows, 1), np.int32)
    interests = rng.integers(1, 6, (rows, 3), np.int32)
    interests *= np.arange(3) < rng.integers(0, 4, (rows, 1))  # right-padded bags of 0 to 3 values
    age = rng.normal(size=(rows, 1)).astype(np.float32)
    chance = 1 / (1 + np.exp(-(age + device - 2)))
    click = (rng.random((rows, 1)) < chance).astype(np.float32)
    conversion = click * (rng.random((rows, 1)) < chance).astype(np.float32)
    return {
        "device": device,
        "interests": interests,
        "age": age,
        "age__missing": (rng.random((rows, 1)) < 0.2).astype(np.float32),
        "click": click,
        "conversion": conversion,
    }


def small_features(rows: int, seed: int = 0) -> dict[str, tf.Tensor]:
    """The features of `small_columns` as tensors."""
    columns = small_columns(rows, seed)
    return {
        name: tf.constant(values)
        for name, values in columns.items()
        if name not in ("click", "conversion")
    }
