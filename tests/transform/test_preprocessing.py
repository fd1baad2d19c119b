"""Ten literal rows through the real analyzers and through the saved transform."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.reference import transform as reference
from tests.transform.running import Matrices, Row, Transformed, apply_layer
from tests.transform.ten_rows import RAW_TYPES, ROWS

NAN = float("nan")

# Users by (count, value): u2 and u3 three times (of u2, u9 the first counts), u1 twice, u4 once.
# Two are kept; index 0 is missing, 1..3 are buckets.
USER_WORDS = [b"u2", b"u3"]
# pc 3, tv 2, then once each in byte order.
DEVICE_WORDS = [b"pc", b"tv", b"", b"50%", b"a\nb", b"\xff\xfe"]
SLOT_WORDS = [b"2", b"1", b"-7", b"3", b"9"]
# 3.0 as an integer would be written; -0.0 and 0.0 are one value; float32 0.1 in full.
LEVEL_WORDS = [b"3", b"0", b"0.100000001", b"1.5", b"1e+10"]
# b four times, a three times (z, third in its list, is cut off before counting).
TAG_WORDS = [b"b", b"a", b"\t", b"\r\n", b"c", b"d"]


@pytest.fixture(scope="module")
def served(done: Transformed) -> Matrices:
    return apply_layer(done, ROWS, RAW_TYPES)


def _indices(rows: list[bytes | None], words: list[bytes], oov_buckets: int) -> list[list[int]]:
    return [[0 if row is None else reference.index(row, words, oov_buckets)] for row in rows]


def test_transform_indexes_ids_by_frequency_with_buckets_for_the_rest(done: Transformed) -> None:
    users = [b"u1", b"u1", b"u2", b"u2", b"u3", b"u3", b"u3", b"u4", None, b"u2"]
    expected = _indices(users, USER_WORDS, 3)
    assert expected[2:7] == [[4], [4], [5], [5], [5]]
    assert done.matrices["user_id"].tolist() == expected


def test_transform_tells_the_empty_string_from_a_missing_value(done: Transformed) -> None:
    devices = [b"pc", b"pc", b"tv", b"", b"pc", b"a\nb", b"50%", b"\xff\xfe", None, b"tv"]
    expected = _indices(devices, DEVICE_WORDS, 1)
    assert expected == [[2], [2], [3], [4], [2], [6], [5], [7], [0], [3]]
    assert done.matrices["device"].tolist() == expected


def test_transform_indexes_integers_by_their_decimal_text(done: Transformed) -> None:
    slots = [b"1", b"1", b"2", b"-7", b"2", b"2", b"2", b"3", None, b"9"]
    expected = _indices(slots, SLOT_WORDS, 1)
    expected[8] = [1]  # missing: oov, and there is one bucket
    assert done.matrices["slot"].tolist() == expected


def test_transform_indexes_floats_by_their_shortest_text(done: Transformed) -> None:
    levels = [b"3", b"3", b"0.100000001", b"0", b"0", None, b"1e+10", b"1.5", None, b"3"]
    assert done.matrices["level"].tolist() == _indices(levels, LEVEL_WORDS, 1)


def test_transform_hashes_without_a_vocabulary(done: Transformed) -> None:
    offers = [b"o1", b"o2", b"o3", b"", b"o1", b"o2", b"o2", b"o2", b"", b"o2"]
    assert done.matrices["offer"].tolist() == [[reference.bucket(one, 5)] for one in offers]


def test_transform_pads_and_cuts_lists(done: Transformed) -> None:
    absent = reference.bucket(b"", 2)
    b, a, tab, line, c, d = (reference.index(word, TAG_WORDS, 2) for word in TAG_WORDS)
    assert (b, d) == (3, 8)
    assert done.matrices["tags"].tolist() == [
        [a, b],
        [a, 0],
        [c, b],
        [b, 0],
        [a, 0],
        [b, 0],
        [d, 0],
        [absent, 0],
        [absent, 0],
        [tab, line],
    ]


def test_transform_scales_after_mean_imputation(done: Transformed) -> None:
    # Observed: 1 3 5 7 1 3 1, mean 3, squared deviations 4 0 4 16 4 0 4, variance 32/7.
    deviation = np.sqrt(32 / 7)
    centred = np.array([-2, 0, 2, 4, 0, 0, -2, 0, 0, -2])
    expected = (centred / deviation).astype(np.float32)[:, None]
    assert done.matrices["price"].dtype == np.float32
    np.testing.assert_array_equal(done.matrices["price"], expected)
    indicator = done.matrices["price__missing"]
    assert indicator.dtype == np.float32
    assert indicator[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 1, 0]


def test_transform_takes_signed_logs_before_scaling(done: Transformed) -> None:
    observed = [0, 1, 3, 7, -3, 0, 0, 0, 0]
    logs = [reference.signed_log(one) for one in observed]
    filled = [*observed[:8], 0, 0]
    expected = reference.z_scores(logs, [reference.signed_log(one) for one in filled])
    np.testing.assert_allclose(done.matrices["clicks"][:, 0], expected, rtol=1e-6)


def test_transform_puts_numbers_into_buckets_of_equal_count(done: Transformed) -> None:
    # Eight values in four buckets: boundaries at the second, fourth and sixth, 20, 40 and 60.
    # The missing ones are the mean, 45.
    assert done.matrices["age"].dtype == np.int64
    assert done.matrices["age"][:, 0].tolist() == [1, 2, 2, 3, 3, 4, 4, 4, 3, 3]


def test_transform_gives_zero_for_a_constant_column(done: Transformed) -> None:
    assert done.matrices["same"][:, 0].tolist() == [0.0] * 10


def test_transform_leaves_unscaled_numbers_but_for_missing_ones(done: Transformed) -> None:
    expected = [0.5, 1.5, 2.5, 3.5, -1.5, 4.5, 5.5, 6.5, -1.5, 7.5]
    assert done.matrices["raw"][:, 0].tolist() == expected


def test_transform_passes_labels_through_and_marks_missing_ones(done: Transformed) -> None:
    labels = done.matrices["click"]
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels[:, 0], [0, 1, 0, 0, 1, 0, 0, 0, 0, NAN])


def test_saved_transform_equals_beam_to_the_last_bit(done: Transformed, served: Matrices) -> None:
    assert sorted(served) == sorted(set(done.matrices) - {"click"})
    for name, matrix in served.items():
        assert matrix.dtype == done.matrices[name].dtype, name
        assert matrix.tobytes() == done.matrices[name].tobytes(), name


@pytest.mark.parametrize("size", [0, 1, 3])
def test_saved_transform_does_not_depend_on_the_batch(
    done: Transformed, served: Matrices, size: int
) -> None:
    part = apply_layer(done, ROWS[7 : 7 + size], RAW_TYPES)
    for name, matrix in part.items():
        assert matrix.tobytes() == served[name][7 : 7 + size].tobytes(), name


def test_saved_transform_gives_values_unseen_in_training_a_bucket(done: Transformed) -> None:
    rows: list[Row] = [{"user": [b"new"], "device": [b"2:tv"], "slot": [77], "age": [1e30]}]
    unseen = apply_layer(done, rows, RAW_TYPES)
    assert unseen["user_id"].tolist() == [[reference.bucket(b"new", 3)]]
    assert unseen["device"].tolist() == [[1]]
    assert unseen["slot"].tolist() == [[1]]
    assert unseen["age"].tolist() == [[4]]


def test_saved_transform_keeps_static_shapes(done: Transformed) -> None:
    import tensorflow_transform as tft

    spec = tft.TFTransformOutput(done.folder).transformed_feature_spec()
    assert spec["tags"].shape == [2]
    assert spec["price"].shape == [1]
    assert spec["click"].dtype == tf.float32
    assert spec["user_id"].dtype == tf.int64


def test_transform_leaves_one_asset(done: Transformed) -> None:
    assets = list((Path(done.folder) / "transform_fn" / "assets").iterdir())
    assert [asset.name for asset in assets] == ["rankbeam_vocabulary.txt"]
