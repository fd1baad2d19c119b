"""The one analyzer gives what tft's own analyzers give, one for each column."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from rankbeam.transform.layout import read_vocabularies
from tests.transform.running import Row, Transformed, bound, options_of, run

TYPES = {"word": tf.string, "value": tf.float32}
OPTIONS = options_of(
    {
        "word": {"kind": "categorical", "vocabulary_size": 9, "frequency_threshold": 3},
        "value": {"kind": "numeric"},
    }
)
# tft computes mean and variance in float32, over batches.
STOCK_ROUNDING = 1e-5


def _dense(column: tf.SparseTensor, default: float | str) -> tf.Tensor:
    rows = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.sparse.to_dense(rows, default)


def _stock(inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    index = tft.compute_and_apply_vocabulary(
        _dense(inputs["word"], ""),
        top_k=9,
        frequency_threshold=3,
        num_oov_buckets=1,
        vocab_filename="word",
    )
    return {"word": index, "value": tft.scale_to_z_score(_dense(inputs["value"], 0.0))}


def _rows() -> list[Row]:
    """Word i is seen i times, so that no order among ties matters."""
    words = [b"w%02d" % word for word in range(15) for _ in range(word)]
    generator = np.random.default_rng(13)
    values = generator.normal(20, 4, len(words)).astype(np.float32).tolist()
    return [
        {"word": [words[place]], "value": [value]}
        for place, value in zip(generator.permutation(len(words)), values, strict=True)
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Transformed, Transformed]:
    folder: Path = tmp_path_factory.mktemp("stock")
    rows = _rows()
    return (
        run(rows, TYPES, bound(OPTIONS), folder / "ours"),
        run(rows, TYPES, _stock, folder / "stock"),
    )


def test_transform_keeps_the_stock_vocabulary(both: tuple[Transformed, Transformed]) -> None:
    ours, stock = both
    words = tft.TFTransformOutput(stock.folder).vocabulary_by_name("word")
    assert read_vocabularies(ours.folder)["word"] == list(words)
    assert len(words) == 9


def test_transform_gives_stock_indices(both: tuple[Transformed, Transformed]) -> None:
    # Stock counts from 0 and puts its bucket last; here 0 is missing and 1 the bucket.
    ours, stock = both
    expected = np.where(stock.matrices["word"] == 9, 1, stock.matrices["word"] + 2)
    np.testing.assert_array_equal(ours.matrices["word"], expected)


def test_transform_gives_stock_z_scores(both: tuple[Transformed, Transformed]) -> None:
    ours, stock = both
    np.testing.assert_allclose(
        ours.matrices["value"], stock.matrices["value"], rtol=STOCK_ROUNDING, atol=STOCK_ROUNDING
    )
