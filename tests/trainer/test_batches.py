"""Splits: read whole, cut into batches, shuffled by seed; in memory and streamed alike."""

from pathlib import Path

import numpy as np
import pytest

from rankbeam.trainer import batches
from rankbeam.trainer.batches import Batch, CachedSplit, Split, StreamedSplit, read_split
from tests.trainer import layouts
from tests.trainer.records import PARSE_SPEC, write_records

LABELS = ("click", "conversion")
ROWS = 50


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two files, one gzipped, of 50 rows in all."""
    folder = tmp_path_factory.mktemp("split")
    columns = layouts.small_columns(ROWS)
    head = {name: values[:20] for name, values in columns.items()}
    tail = {name: values[20:] for name, values in columns.items()}
    write_records(folder / "examples-00000-of-00002.gz", head)
    write_records(folder / "examples-00001-of-00002", tail)
    return [str(folder / "*")]


@pytest.fixture(params=["cached", "streamed"])
def split(request: pytest.FixtureRequest, patterns: list[str]) -> Split:
    """The same rows either way."""
    cache_bytes = 2**20 if request.param == "cached" else 1
    found = read_split(patterns, PARSE_SPEC, LABELS, cache_bytes)
    assert isinstance(found, CachedSplit if request.param == "cached" else StreamedSplit)
    return found


def _joined(batches: list[Batch], name: str) -> np.ndarray:  # type: ignore[type-arg]
    columns = [{**batch.features, **batch.labels}[name] for batch in batches]
    return np.concatenate([np.asarray(column) for column in columns])


def test_split_holds_every_row_in_stored_order(split: Split) -> None:
    batches = list(split.batches(16))
    assert split.rows == ROWS
    assert [len(batch.labels["click"]) for batch in batches] == [16, 16, 16, 2]
    for name, expected in layouts.small_columns(ROWS).items():
        found = _joined(batches, name)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == (np.int32 if name in ("device", "interests") else np.float32)


def test_split_parts_features_from_labels(split: Split) -> None:
    batch = next(split.batches(4))
    assert set(batch.labels) == set(LABELS)
    assert set(batch.features) == set(PARSE_SPEC) - set(LABELS)


def test_split_shuffles_rows_as_wholes_by_seed(split: Split) -> None:
    first, again, other = (list(split.batches(16, seed)) for seed in (1, 1, 2))
    ages = _joined(first, "age")
    np.testing.assert_array_equal(ages, _joined(again, "age"))
    assert not np.array_equal(ages, _joined(other, "age"))
    stored = layouts.small_columns(ROWS)
    assert not np.array_equal(ages, stored["age"])
    order = np.argsort(ages[:, 0])
    expected = np.argsort(stored["age"][:, 0])
    for name, values in stored.items():
        np.testing.assert_array_equal(_joined(first, name)[order], values[expected])


def test_split_of_several_files_comes_as_that_of_one(split: Split, tmp_path: Path) -> None:
    write_records(tmp_path / "examples-00000-of-00001.gz", layouts.small_columns(ROWS))
    cache_bytes = 2**20 if isinstance(split, CachedSplit) else 1
    one = read_split([str(tmp_path / "*")], PARSE_SPEC, LABELS, cache_bytes)
    for seed in (None, 7):
        found, expected = list(split.batches(16, seed)), list(one.batches(16, seed))
        for name in PARSE_SPEC:
            np.testing.assert_array_equal(_joined(found, name), _joined(expected, name))


def test_split_without_rows_is_empty(tmp_path: Path) -> None:
    write_records(tmp_path / "empty.gz", {"device": np.zeros((0, 1), np.int64)})
    assert read_split([str(tmp_path / "*")], PARSE_SPEC, LABELS).rows == 0
    assert read_split([str(tmp_path / "none" / "*")], PARSE_SPEC, LABELS).rows == 0


def test_split_is_streamed_by_its_parsed_size_whether_counted_first_or_not(
    patterns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = read_split(patterns, PARSE_SPEC, LABELS)
    assert isinstance(cached, CachedSplit)
    parsed_bytes = sum(column.nbytes for column in cached.columns.values())
    for least_deflated in (0, 1_000_000):  # never, and always counts first
        monkeypatch.setattr(batches, "_LEAST_DEFLATED", least_deflated)
        kept = read_split(patterns, PARSE_SPEC, LABELS, parsed_bytes)
        streamed = read_split(patterns, PARSE_SPEC, LABELS, parsed_bytes - 1)
        assert (type(kept), type(streamed)) == (CachedSplit, StreamedSplit)
        assert (kept.rows, streamed.rows) == (ROWS, ROWS)
