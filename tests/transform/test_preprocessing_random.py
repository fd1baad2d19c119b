"""Random rows against the plain-Python reference, in two orders and batch sizes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.transform.layout import asset_path, transform_hash
from tests.reference import transform as reference
from tests.transform.running import Matrices, Row, Transformed, apply_layer, bound, options_of, run

TYPES = {
    "name": tf.string,
    "blob": tf.string,
    "code": tf.int64,
    "bag": tf.string,
    "z": tf.float32,
    "log": tf.float32,
    "time": tf.int64,
    "bucket": tf.float32,
}
OPTIONS = options_of(
    {
        "name": {"kind": "id", "vocabulary_size": 20, "frequency_threshold": 3, "oov_buckets": 5},
        "blob": {"kind": "categorical", "frequency_threshold": 9},
        "code": {"kind": "id", "hash_buckets": 13},
        "bag": {"kind": "multivalent", "max_values": 3, "vocabulary_size": 8, "oov_buckets": 2},
        "z": {"kind": "numeric", "missing_indicator": True},
        "log": {"kind": "numeric", "scaling": "log"},
        "time": {"kind": "numeric"},
        "bucket": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 7, "missing": 0.5},
    }
)
# float32 results of float64 computations that may differ in their last bits (the order of NumPy's
# sums, the C library's log1p): one unit in the last place of float32 is 6e-8 to 1.2e-7.
FLOAT32_ROUNDING = 2e-7

_NAMES = ["é", "日本", "a b", "", "\t", "\u2028", *(f"user {i}" for i in range(60))]
_BLOBS = [b"", b"\xff", b"\xc3", b"a\nb", b"a\r", b"%", b"%0A", b"\x00", b"0:x"]
_BLOBS += [b"%x" % number for number in range(30)]


def _random_rows(count: int) -> list[Row]:
    generator = np.random.default_rng(11)
    rows: list[Row] = []
    for _ in range(count):
        raw: dict[str, list[Any]] = {
            "name": [_NAMES[min(generator.zipf(1.4) - 1, len(_NAMES) - 1)].encode()],
            "blob": [_BLOBS[generator.integers(len(_BLOBS))]],
            "code": [int(generator.integers(-50, 50))],
            "bag": [b"t%d" % tag for tag in generator.zipf(1.5, generator.integers(0, 6)).tolist()],
            "z": [np.float32(generator.normal(5, 3)).item()],
            "log": [np.float32(generator.lognormal(2, 2) * generator.choice([-1, 1])).item()],
            "time": [1_700_000_000 + int(generator.integers(86_400))],
            "bucket": [np.float32(generator.integers(12) / 4).item()],
        }
        kept = {name: values for name, values in raw.items() if generator.random() > 0.15}
        if generator.random() < 0.05:
            kept["z"] = [generator.choice([np.nan, np.inf, -np.inf])]
        rows.append(kept)
    return rows


ROWS = _random_rows(400)


@pytest.fixture(scope="module")
def random_rows(tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    return run(ROWS, TYPES, bound(OPTIONS), tmp_path_factory.mktemp("random_rows"))


def _strings(column: str, width: int = 1) -> list[list[bytes]]:
    return [[_text(value) for value in row.get(column, ())][:width] for row in ROWS]


def _text(value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else b"%d" % value


def _floats(column: str) -> list[float]:
    values = [float(row[column][0]) if column in row else np.nan for row in ROWS]
    return [value if np.isfinite(value) else np.nan for value in values]


def _observed(column: str) -> list[float]:
    return [value for value in _floats(column) if not np.isnan(value)]


def _imputed(column: str) -> list[float]:
    mean = float(np.mean(_observed(column)))
    return [mean if np.isnan(value) else value for value in _floats(column)]


@pytest.mark.parametrize(
    ("column", "size", "threshold", "oov_buckets", "width"),
    [("name", 20, 3, 5, 1), ("blob", None, 9, 1, 1), ("bag", 8, 1, 2, 3)],
)
def test_transform_indexes_as_the_reference_does(
    random_rows: Transformed,
    column: str,
    size: int | None,
    threshold: int,
    oov_buckets: int,
    width: int,
) -> None:
    lists = _strings(column, width)
    words = reference.vocabulary([word for one in lists for word in one], size, threshold)
    expected = [[reference.index(word, words, oov_buckets) for word in one] for one in lists]
    padded = [one + [0] * (width - len(one)) for one in expected]
    assert any(index <= oov_buckets for one in expected for index in one)
    assert random_rows.matrices[column].tolist() == padded


def test_transform_hashes_as_the_reference_does(random_rows: Transformed) -> None:
    expected = [[reference.bucket(one[0], 13) if one else 0] for one in _strings("code")]
    assert random_rows.matrices["code"].tolist() == expected


@pytest.mark.parametrize("column", ["z", "time"])
def test_transform_z_scores_as_the_reference_does(random_rows: Transformed, column: str) -> None:
    expected = reference.z_scores(_observed(column), _imputed(column))
    np.testing.assert_allclose(
        random_rows.matrices[column][:, 0], expected, rtol=FLOAT32_ROUNDING, atol=1e-9
    )


def test_transform_takes_logs_as_the_reference_does(random_rows: Transformed) -> None:
    logs = [reference.signed_log(value) for value in _observed("log")]
    expected = reference.z_scores(logs, [reference.signed_log(one) for one in _imputed("log")])
    np.testing.assert_allclose(
        random_rows.matrices["log"][:, 0], expected, rtol=FLOAT32_ROUNDING, atol=1e-9
    )


def test_transform_buckets_as_the_reference_does(random_rows: Transformed) -> None:
    filled = [0.5 if np.isnan(value) else value for value in _floats("bucket")]
    expected = [reference.bucket_index(_observed("bucket"), 7, value) for value in filled]
    assert random_rows.matrices["bucket"][:, 0].tolist() == expected


def test_transform_flags_what_is_missing(random_rows: Transformed) -> None:
    expected = np.isnan(_floats("z")).astype(np.float32)
    np.testing.assert_array_equal(random_rows.matrices["z__missing"][:, 0], expected)


def test_saved_transform_equals_beam_on_random_rows(random_rows: Transformed) -> None:
    served: Matrices = apply_layer(random_rows, ROWS, TYPES)
    assert sorted(served) == sorted(random_rows.matrices)
    for name, matrix in served.items():
        assert matrix.tobytes() == random_rows.matrices[name].tobytes(), name


def test_transform_does_not_depend_on_order_or_batches(
    random_rows: Transformed, tmp_path: Path
) -> None:
    order = np.random.default_rng(12).permutation(len(ROWS))
    shuffled = run([ROWS[place] for place in order], TYPES, bound(OPTIONS), tmp_path, batch_size=37)
    assert transform_hash(shuffled.folder) == transform_hash(random_rows.folder)
    ours, theirs = (Path(asset_path(one.folder)) for one in (shuffled, random_rows))
    assert ours.read_bytes() == theirs.read_bytes()
    for name, matrix in shuffled.matrices.items():
        assert matrix.tobytes() == random_rows.matrices[name][order].tobytes(), name
