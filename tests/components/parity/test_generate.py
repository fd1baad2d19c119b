"""Generated requests: every kind on every column, and each kind does what it says."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.components.parity.columns import Column
from rankbeam.components.parity.generate import Generated, count_kinds, generate
from rankbeam.components.parity.mutations import EXTREME_FLOATS, EXTREME_INTS, KINDS

DEVICE = Column("device", tf.string, multivalent=False)
TAGS = Column("tags", tf.string, multivalent=True)
AGE = Column("age", tf.float32, multivalent=False)
PARTNER = Column("partner", tf.int64, multivalent=False)
COLUMNS = (DEVICE, TAGS, AGE, PARTNER)
TEXT_ONLY = {"empty_text", "unicode", "invalid_utf8", "long_text"}


def _example(number: int) -> bytes:
    example = tf.train.Example()
    features = example.features.feature
    features["device"].bytes_list.value.append(b"phone")
    features["tags"].bytes_list.value.extend([b"a", b"b"])
    features["age"].float_list.value.append(30.0 + number)
    features["partner"].int64_list.value.append(number)
    return bytes(example.SerializeToString(deterministic=True))


REAL = [_example(number) for number in range(5)]


@pytest.fixture(scope="module")
def requests() -> list[Generated]:
    return generate(REAL, COLUMNS, 1400, seed=1)


def _of(requests: list[Generated], kind: str) -> list[tuple[str, tf.train.Example]]:
    """Changed column and example of each request of a kind."""
    return [
        (request.column, tf.train.Example.FromString(request.serialized))
        for request in requests
        if request.kind == kind
    ]


def _values(example: tf.train.Example, column: str) -> list[object]:
    feature = example.features.feature[column]
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def test_generate_makes_every_kind_equally_often(requests: list[Generated]) -> None:
    assert count_kinds(requests) == {kind.name: 100 for kind in KINDS}
    assert sum(count_kinds(generate(REAL, COLUMNS, 45, seed=1)).values()) == 45


def test_generate_changes_every_column_in_every_kind_that_fits(requests: list[Generated]) -> None:
    changed = Counter((request.kind, request.column) for request in requests)
    for kind in KINDS:
        columns = {column for name, column in changed if name == kind.name}
        if kind.name in ("real", "all_missing"):
            assert columns == {""}
        elif kind.name in TEXT_ONLY:
            assert columns == {"device", "tags"}
        elif kind.name == "extreme_number":
            assert columns == {"age", "partner"}
        else:
            assert columns == {"device", "tags", "age", "partner"}


def test_generate_is_the_same_for_the_same_seed(requests: list[Generated]) -> None:
    assert generate(REAL, COLUMNS, 1400, seed=1) == requests
    assert generate(REAL, COLUMNS, 1400, seed=2) != requests


def test_generate_leaves_out_kinds_that_no_column_allows() -> None:
    found = count_kinds(generate(REAL, [AGE], 100, seed=1))
    assert {kind for kind, count in found.items() if count == 0} == TEXT_ONLY
    assert sum(found.values()) == 100


def test_generate_changes_one_column_only(requests: list[Generated]) -> None:
    originals = {bytes(row) for row in REAL}
    for request in requests:
        if request.kind in ("all_missing", "extra_feature", "repeated_feature"):
            continue
        example = tf.train.Example.FromString(request.serialized)
        restored = set()
        for row in REAL:
            original = tf.train.Example.FromString(row)
            copy = tf.train.Example()
            copy.CopyFrom(example)
            if request.column:
                feature = original.features.feature[request.column]
                copy.features.feature[request.column].CopyFrom(feature)
            restored.add(copy.SerializeToString(deterministic=True))
        assert restored & originals


def test_generate_missing_and_empty(requests: list[Generated]) -> None:
    for column, example in _of(requests, "missing"):
        assert column not in example.features.feature
    assert all(not example.features.feature for _, example in _of(requests, "all_missing"))
    assert all(_values(example, column) == [b""] for column, example in _of(requests, "empty_text"))
    kinds = set()
    for column, example in _of(requests, "empty_list"):
        assert column in example.features.feature
        assert _values(example, column) == []
        kinds.add(example.features.feature[column].WhichOneof("kind"))
    assert kinds == {None, "bytes_list", "float_list", "int64_list"}


def test_generate_values_that_training_never_saw(requests: list[Generated]) -> None:
    seen = [b"phone", b"a", b"b", *range(5), *(30.0 + n for n in range(5))]
    for column, example in _of(requests, "unseen"):
        [value] = _values(example, column)
        assert value not in seen


def test_generate_extreme_numbers(requests: list[Generated]) -> None:
    found = _of(requests, "extreme_number")
    ages = np.array(
        [_values(example, "age")[0] for column, example in found if column == "age"], np.float32
    )
    assert {bits.tobytes() for bits in ages} == {
        np.float32(value).tobytes() for value in EXTREME_FLOATS
    }
    assert any(np.isnan(ages))
    assert any(np.isinf(ages))
    assert any((ages != 0) & (np.abs(ages) < np.finfo(np.float32).tiny))
    assert any((ages == 0) & np.signbit(ages))
    partners = {_values(example, "partner")[0] for column, example in found if column == "partner"}
    assert partners == set(EXTREME_INTS) >= {-(2**63), 2**63 - 1}


def test_generate_text_beyond_ascii(requests: list[Generated]) -> None:
    for column, example in _of(requests, "unicode"):
        [value] = _values(example, column)
        assert isinstance(value, bytes)
        assert value.decode()
    for column, example in _of(requests, "invalid_utf8"):
        [value] = _values(example, column)
        assert isinstance(value, bytes)
        with pytest.raises(UnicodeDecodeError, match="can't decode"):
            value.decode()
    for column, example in _of(requests, "long_text"):
        assert [len(value) for value in _values(example, column)] == [4096]  # type: ignore[arg-type]


def test_generate_many_values(requests: list[Generated]) -> None:
    lengths = [len(_values(example, column)) for column, example in _of(requests, "many_values")]
    assert min(lengths) >= 3
    assert max(lengths) > 30
    for column, example in _of(requests, "repeated_value"):
        values = _values(example, column)
        assert values[: len(values) // 2] == values[len(values) // 2 :] != []


def test_generate_features_twice_on_the_wire(requests: list[Generated]) -> None:
    twice = [request for request in requests if request.kind == "repeated_feature"]
    for request in twice:
        assert request.serialized.count(request.column.encode()) == 2


def test_generate_features_that_the_model_does_not_know(requests: list[Generated]) -> None:
    known = {column.name for column in COLUMNS}
    for _, example in _of(requests, "extra_feature"):
        strangers = set(example.features.feature) - known
        kinds = {example.features.feature[name].WhichOneof("kind") for name in strangers}
        assert kinds == {"bytes_list", "float_list", "int64_list"}
