"""Times written as text, against Python's own reading of ISO 8601."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.components.example_gen.chunks import BadValue
from rankbeam.components.example_gen.text import times_of_text

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T00:01", 60_000_000),
        ("1970-01-01 00:00:01", 1_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T00:00:00.5", 500_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00.25+0100", 250_000),
        ("1969-12-31T23:00-01", 0),
        (" 1970-01-01 ", 0),
    ],
)
def test_times_of_text_are_microseconds_utc(text: str, microseconds: int) -> None:
    assert times_of_text(pa.array([text.encode(), None])).to_pylist() == [microseconds, None]


def test_times_of_text_agree_with_python() -> None:
    generator = np.random.default_rng(0)
    zone = datetime.timezone(datetime.timedelta(hours=-5, minutes=-30))
    moments = [
        _EPOCH.astimezone(zone) + datetime.timedelta(microseconds=int(offset))
        for offset in generator.integers(0, 2 * 10**15, 200)
    ]
    texts = pa.array([moment.isoformat().encode() for moment in moments])
    expected = [(moment - _EPOCH) // datetime.timedelta(microseconds=1) for moment in moments]
    assert times_of_text(texts).to_pylist() == expected


@pytest.mark.parametrize("text", ["yesterday", "31/01/2024", "2024-13-01", "2024-01-31T25:00"])
def test_times_of_text_refuse_other_text(text: str) -> None:
    with pytest.raises(BadValue, match="must hold numbers or ISO 8601 times") as caught:
        times_of_text(pa.array([b"2024-01-31", text.encode()]))
    assert caught.value.row == 1
