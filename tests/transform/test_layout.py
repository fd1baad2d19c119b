"""What the trainer learns about the transformed columns."""

from pathlib import Path

import pytest

from rankbeam.transform.errors import DataError
from rankbeam.transform.layout import (
    TransformedFeature,
    read_layout,
    read_vocabularies,
    transform_hash,
)
from tests.transform.running import Transformed, options_of
from tests.transform.ten_rows import OPTIONS


def test_layout_counts_rows_of_embedding_tables(done: Transformed) -> None:
    layout = read_layout(done.folder, OPTIONS)
    assert list(layout) == list(OPTIONS.features)
    sizes = {name: feature.index_size for name, feature in layout.items()}
    assert sizes == {
        "user_id": 1 + 3 + 2,
        "device": 1 + 1 + 6,
        "slot": 1 + 1 + 5,
        "level": 1 + 1 + 5,
        "offer": 1 + 5,
        "tags": 1 + 2 + 6,
        "price": None,
        "clicks": None,
        "age": 1 + 4,
        "same": None,
        "raw": None,
    }


def test_layout_bounds_every_index(done: Transformed) -> None:
    for feature in read_layout(done.folder, OPTIONS).values():
        matrix = done.matrices[feature.name]
        assert matrix.shape[1] == feature.max_values
        if feature.index_size is not None:
            assert matrix.min() >= 0
            assert matrix.max() < feature.index_size


def test_layout_repeats_what_the_model_needs_of_the_specs(done: Transformed) -> None:
    layout = read_layout(done.folder, OPTIONS)
    assert layout["tags"] == TransformedFeature("tags", "multivalent", 9, 2, None, "mean", False)
    assert layout["price"] == TransformedFeature("price", "numeric", None, 1, None, None, True)


def test_layout_reads_vocabularies_in_index_order(done: Transformed) -> None:
    words = read_vocabularies(done.folder)
    assert words["user_id"] == [b"u2", b"u3"]
    assert words["device"] == [b"pc", b"tv", b"", b"50%", b"a\nb", b"\xff\xfe"]


def test_layout_hash_is_a_sha256(done: Transformed) -> None:
    assert len(bytes.fromhex(transform_hash(done.folder))) == 32


def test_layout_rejects_other_features(done: Transformed) -> None:
    other = options_of({"device": {"kind": "categorical"}, "new": {"kind": "categorical"}})
    with pytest.raises(DataError, match="must hold the vocabularies of device, new; got device, l"):
        read_layout(done.folder, other)


def test_layout_rejects_a_folder_without_a_transform(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be a finished transform; it has no .*\.txt"):
        read_layout(str(tmp_path), OPTIONS)
