"""The vocabulary asset: selection, escaping, file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from rankbeam.transform.analysis import vocabulary
from rankbeam.transform.analysis.value_counts import ValueCounts
from rankbeam.transform.analysis.vocabulary import Vocabularies
from rankbeam.transform.plan import Plan
from tests.reference import transform as reference
from tests.transform.running import options_of


def _counts(values: dict[int, list[bytes]]) -> ValueCounts:
    """Counts of plain values by column number."""
    keys = [vocabulary.prefix(number) + word for number, words in values.items() for word in words]
    array = np.empty(len(keys), object)
    array[:] = keys
    counts = ValueCounts()
    counts.add(array)
    return counts


def _plan(*specs: Mapping[str, object]) -> Plan:
    """One categorical column for each spec, in this order."""
    features = {f"f{i:03d}": {"kind": "categorical", **spec} for i, spec in enumerate(specs)}
    return Plan.of(options_of(features))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"", b""),
        (b"plain \t \\ \x00 \xff", b"plain \t \\ \x00 \xff"),
        (b"a\nb", b"a%0Ab"),
        (b"a\r\nb", b"a%0D%0Ab"),
        (b"%0A", b"%250A"),
        (b"%250D%", b"%25250D%25"),
    ],
)
def test_escape_and_back(text: bytes, written: bytes) -> None:
    assert vocabulary.escape(text) == written
    assert vocabulary.unescape(written) == text


def test_escape_tells_random_texts_apart() -> None:
    generator = np.random.default_rng(8)
    alphabet = [b"%", b"\n", b"\r", b"0", b"2", b"5", b"A", b"D"]
    for _ in range(2000):
        text = b"".join(alphabet[letter] for letter in generator.integers(0, 8, 6))
        written = vocabulary.escape(text)
        assert not {10, 13} & set(written)
        assert vocabulary.unescape(written) == text


def test_vocabulary_orders_by_count_then_by_bytes() -> None:
    words = [b"b", b"a", b"c", b"c", b"\xff", b""]
    chosen = Vocabularies.select(_plan({}), _counts({0: words}))
    assert chosen.lines == ([b"0:c", b"0:", b"0:a", b"0:b", b"0:\xff"],)
    assert chosen.first_lines == [1]
    assert not chosen.escaped


@pytest.mark.parametrize(("size", "threshold"), [(None, 1), (3, 1), (3, 2), (100, 3), (1, 99)])
def test_vocabulary_equals_the_reference(size: int | None, threshold: int) -> None:
    draws = np.random.default_rng(9).zipf(1.5, 500).tolist()
    words = [b"w%d" % draw for draw in draws]
    spec = {"vocabulary_size": size, "frequency_threshold": threshold}
    chosen = Vocabularies.select(_plan(spec), _counts({0: words}))
    expected = reference.vocabulary(words, size, threshold)
    assert [line[2:] for line in chosen.lines[0]] == expected


def test_vocabulary_keeps_columns_apart() -> None:
    # Numbers 1, 10 and 11 share a beginning, and values may look like prefixes.
    words = {1: [b"0:x", b"1:x", b""], 10: [b":", b"x"], 11: [b"x"], 2: [b"0:x"]}
    chosen = Vocabularies.select(_plan(*[{}] * 12), _counts(words))
    for number in range(12):
        mark = vocabulary.prefix(number)
        kept = [line.removeprefix(mark) for line in chosen.lines[number]]
        assert kept == sorted(words.get(number, []))
    assert chosen.first_lines == [1, 1, 4, 5, 5, 5, 5, 5, 5, 5, 5, 7]


def test_vocabulary_file_round_trip(tmp_path: Path) -> None:
    words = {0: [b"a\nb", b"a\nb", b"%"], 2: [b"\xff\r", b""]}
    chosen = Vocabularies.select(_plan({}, {}, {}), _counts(words))
    assert chosen.escaped
    path = vocabulary.write(chosen, "cafe", str(tmp_path / "new"))
    header = vocabulary.read_header(path)
    assert header.digest == "cafe"
    assert dict(header.sizes) == {"f000": 2, "f001": 0, "f002": 2}
    assert vocabulary.read(path) == {
        "f000": [b"a\nb", b"%"],
        "f001": [],
        "f002": [b"", b"\xff\r"],
    }
    assert [file.name for file in (tmp_path / "new").iterdir()] == [vocabulary.FILE_NAME]


def test_vocabulary_file_of_nothing_is_one_line(tmp_path: Path) -> None:
    chosen = Vocabularies.select(_plan({}), ValueCounts())
    path = vocabulary.write(chosen, "", str(tmp_path))
    assert Path(path).read_bytes().count(b"\n") == 1
    assert vocabulary.read(path) == {"f000": []}
