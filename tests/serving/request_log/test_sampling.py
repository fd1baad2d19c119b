"""Which requests are kept."""

import hashlib
import math

import pytest

from rankbeam.serving.request_log.parts import part_id, whole_id
from rankbeam.serving.request_log.sampling import Sampler

_IDS = [hashlib.md5(b"%d" % number).hexdigest() for number in range(100_000)]


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("ids", [_IDS, [f"request-{n}" for n in range(100_000)]])
def test_sampling_rate_holds_within_the_binomial_bound(rate: float, ids: list[str]) -> None:
    kept = sum(map(Sampler(rate).keeps, ids))
    # Five standard deviations of Binomial(100,000, rate): by chance once in 1.7 million.
    assert abs(kept - 100_000 * rate) <= 5 * math.sqrt(100_000 * rate * (1 - rate))


def test_sampling_is_the_same_everywhere_and_grows_with_the_rate() -> None:
    few = [name for name in _IDS if Sampler(0.1).keeps(name)]
    again = [name for name in _IDS if Sampler(0.1).keeps(name)]
    more = {name for name in _IDS if Sampler(0.2).keeps(name)}
    assert few == again
    assert set(few) < more


def test_sampling_is_the_documented_formula() -> None:
    for name in [*_IDS[:1_000], "", "日本"]:
        digest = hashlib.sha256(b"rankbeam request log\0" + name.encode()).hexdigest()
        assert Sampler(0.3).keeps(name) == (int(digest[:16], 16) / 2**64 < 0.3)


def test_sampling_keeps_all_parts_of_a_request_or_none() -> None:
    sampler = Sampler(0.3)
    for name in _IDS[:1_000]:
        parts = [part_id(name, offset) for offset in (0, 100, 999_999_999)]
        assert {sampler.keeps(part) for part in parts} == {sampler.keeps(name)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("abc;offset=500", ("abc", 500)),
        ("abc;offset=0", ("abc", 0)),
        (";offset=7", ("", 7)),
        ("a;offset=1;offset=2", ("a;offset=1", 2)),
        ("abc", ("abc", None)),
        ("", ("", None)),
        ("abc;offset=", ("abc;offset=", None)),
        ("abc;offset=-1", ("abc;offset=-1", None)),
        ("abc;offset=05", ("abc;offset=05", None)),
        ("abc;offset=1 ", ("abc;offset=1 ", None)),
        ("abc;offset=9999999999", ("abc;offset=9999999999", None)),
    ],
)
def test_parts_know_their_whole(given: str, expected: tuple[str, int | None]) -> None:
    assert whole_id(given) == expected


def test_sampling_of_none_and_all() -> None:
    assert not any(map(Sampler(0.0).keeps, _IDS[:1_000]))
    assert all(map(Sampler(1.0).keeps, [*_IDS[:1_000], "\ud800"]))
    assert isinstance(Sampler(0.5).keeps("\ud800"), bool)


def test_sampling_is_independent_of_a_split_by_the_same_id() -> None:
    # ExampleGen's entity_hash: SHA-256 of the plain value. With the same hash, a log of a fifth
    # of the requests would hold nothing but what a fifth for evaluation takes.
    kept = [name for name in _IDS if Sampler(0.2).keeps(name)]
    evaluated = sum(
        int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) < 2**64 // 5 for name in kept
    )
    assert abs(evaluated - len(kept) / 5) <= 5 * math.sqrt(len(kept) * 0.16)
