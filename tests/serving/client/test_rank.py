"""Both ranking clients against a real server with the tiny model, whose scores are known."""

import random
import threading
from typing import Any

import numpy as np
import pytest

from rankbeam.serving.client import RankClient, Ranking, RankOptions
from rankbeam.serving.errors import RequestRejected
from rankbeam.serving.server import ModelServer
from rankbeam.transform.errors import ConfigError, DataError
from tests.serving import tiny_models
from tests.serving.client.conftest import Connect, Rank
from tests.serving.waiting import NAME

ALIASES = {"ctr": "click", "cvr": "conversion"}
ATOL = 2e-7  # float32 in the model against float64 here


@pytest.fixture
def target(server: ModelServer) -> str:
    return f"127.0.0.1:{server.port}"


@pytest.fixture
def rank(connect: Connect, target: str) -> Rank:
    return connect(target, NAME, aliases=ALIASES)


def _candidates(count: int, seed: int = 1) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        {"id": f"c{n}", "price": rng.uniform(-1, 1), "age": rng.randrange(-9, 9)}
        for n in range(count)
    ]


def _expected(context: dict[str, Any], candidates: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [{k: v for k, v in {**context, **row}.items() if k != "id"} for row in candidates]
    return tiny_models.oracle(rows)


def _indices(ranking: Ranking) -> list[int]:
    return [each.index for each in ranking]


def test_rank_hand_worked(rank: Rank) -> None:
    # x = 0.1 age + price + 1 for a known user, click = sigmoid(x), ctcvr = click² / 2:
    # x = 1.0, 1.8, -0.2, 1.8: highest first, the two equal ones as they came.
    candidates = [
        {"id": "a"},
        {"id": "b", "age": 8},
        {"id": "c", "user": "nobody", "price": -0.2},
        {"id": "d", "age": 3, "price": 0.5},
    ]
    ranking = rank({"user": "ada"}, candidates)
    assert [each.candidate["id"] for each in ranking] == ["b", "d", "a", "c"]
    assert _indices(ranking) == [1, 3, 0, 2]
    click = 1 / (1 + np.exp(-1.8))
    assert ranking[0].outputs == {
        "click": pytest.approx(click, abs=ATOL),
        "conversion": pytest.approx(click / 2, abs=ATOL),
        "ctcvr": pytest.approx(click**2 / 2, abs=ATOL),
    }
    assert ranking[0].score == ranking[0].outputs["ctcvr"]
    assert [each.candidate for each in ranking[1:3]] == [candidates[3], candidates[0]]


def test_rank_says_who_answered_and_what_was_sent(rank: Rank) -> None:
    ranking = rank({"user": "ada", "session": 7}, _candidates(3), request_id="r-1")
    assert (ranking.model_name, ranking.model_version, ranking.request_id) == (NAME, 1, "r-1")
    assert (ranking.fallback, ranking.reason, ranking.score) == (False, None, "ctcvr")
    assert (ranking.unsent, ranking.missing) == (("id", "session"), ("tags",))
    calls = [(call.method, call.candidates, call.attempt, call.code) for call in ranking.calls]
    assert calls == [("GetModelMetadata", 0, 1, "OK"), ("Predict", 3, 1, "OK")]
    assert {call.model_version for call in ranking.calls} == {1}
    assert 0 < sum(call.latency_s for call in ranking.calls) <= ranking.latency_s
    again = rank({}, _candidates(1))
    assert [call.method for call in again.calls] == ["Predict"]  # the metadata are remembered
    assert again.request_id not in {"", "r-1"}


def test_rank_by_an_expression_of_outputs_and_fields(rank: Rank) -> None:
    candidates = _candidates(40)
    for n, row in enumerate(candidates):
        row["margin"] = float((n * 7) % 11)
    ranking = rank({"user": "grace", "boost": 2}, candidates, score="boost * margin * ctr * cvr")
    found = _expected({"user": "grace"}, [{k: r[k] for k in ("price", "age")} for r in candidates])
    margins = np.array([row["margin"] for row in candidates])
    scores = 2 * margins * found["click"].astype(float) * found["conversion"]
    found_scores = [each.score or 0.0 for each in ranking]
    np.testing.assert_allclose(found_scores, scores[_indices(ranking)], rtol=0, atol=4e-6)
    assert found_scores == sorted(found_scores, reverse=True)
    assert sorted(_indices(ranking)) == list(range(40))


def test_rank_permuted_candidates_are_ranked_the_same(rank: Rank) -> None:
    candidates = _candidates(30)
    first = [each.candidate["id"] for each in rank({"user": "ada"}, candidates)]
    random.Random(2).shuffle(candidates)
    assert [each.candidate["id"] for each in rank({"user": "ada"}, candidates)] == first


@pytest.mark.parametrize("largest", [1, 7, 29, 30])
def test_rank_split_equals_whole(connect: Connect, target: str, largest: int) -> None:
    candidates = _candidates(30)
    whole = connect(target, NAME)({"user": "ada"}, candidates)
    parts = connect(target, NAME, max_candidates_per_request=largest)({"user": "ada"}, candidates)
    sizes = [call.candidates for call in parts.calls if call.method == "Predict"]
    assert (sum(sizes), len(sizes)) == (30, -(-30 // largest))
    assert max(sizes) - min(sizes) <= 1
    assert _indices(parts) == _indices(whole)
    for part, same in zip(parts, whole, strict=True):
        # TensorFlow's kernels round by their place in a vector, hence by the size of the request:
        # a unit in the last place (1.2e-7) for each factor of ctcvr, and one for their product.
        assert part.outputs == pytest.approx(same.outputs, rel=3.6e-7)


def test_rank_a_candidates_own_field_hides_the_contexts(rank: Rank) -> None:
    context = {"user": "ada", "price": 0.25, "age": 4}
    rows: list[dict[str, Any]] = [{}, {"user": "nobody"}, {"price": None, "age": []}, {"age": 0}]
    by_context = {each.index: each.outputs for each in rank(context, rows)}
    whole = [
        {"user": "ada", "price": 0.25, "age": 4},
        {"user": "nobody", "price": 0.25, "age": 4},
        {"user": "ada"},
        {"user": "ada", "price": 0.25, "age": 0},
    ]
    assert by_context == {each.index: each.outputs for each in rank({}, whole)}


@pytest.mark.parametrize("limit", [1, 5, 30, 99])
def test_rank_limit_keeps_the_best(rank: Rank, limit: int) -> None:
    whole = rank({}, _candidates(30))
    assert rank({}, _candidates(30), limit=limit).ranked == whole[:limit]


def test_rank_ties_keep_the_callers_order(rank: Rank) -> None:
    rows = [{"age": 1}, {"age": 0}] * 20
    evens, odds = list(range(0, 40, 2)), list(range(1, 40, 2))
    assert _indices(rank({}, rows, score="click")) == evens + odds
    assert _indices(rank({}, rows, score="-click")) == odds + evens
    assert _indices(rank({}, rows, score="0 * click")) == list(range(40))


def test_rank_of_no_candidates_is_empty_and_asks_nobody(rank: Rank) -> None:
    ranking = rank({"user": "ada"}, [])
    assert (len(ranking), ranking.calls, ranking.model_version) == (0, (), None)
    assert not ranking.fallback


def test_rank_puts_invalid_scores_last_if_so_chosen(connect: Connect, target: str) -> None:
    rows = [{"bid": 1}, {"bid": -1}, {}, {"bid": 2}]
    ranking = connect(target, NAME, invalid_score="last")({}, rows, score="log(bid) * click")
    assert _indices(ranking) == [3, 0, 1, 2]
    assert [each.score is None for each in ranking] == [False, False, True, True]
    with pytest.raises(DataError, match=r"candidates\[2\]\.bid must be a number.*got nothing"):
        connect(target, NAME)({}, rows, score="log(bid) * click")
    message = r"score 'log\(bid\) \* click' must be finite; got nan for candidates\[1\] \(bid = -1"
    with pytest.raises(DataError, match=message):
        connect(target, NAME)({}, rows[:2], score="log(bid) * click")


BAD: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    ({}, [{}], {"score": "ctr *"}, ConfigError, "score must be an expression"),
    ({}, [{}], {"score": "cltr"}, ConfigError, r"got cltr .* did you mean ctr\? known: click"),
    ({"usr": 1}, [{}], {"score": "usr.x"}, ConfigError, "must name a place"),
    ({"age": "x"}, [{}], {}, DataError, r"context\.age must be an integer"),
    ({}, [{}, {"price": "x"}], {}, DataError, r"candidates\[1\]\.price must be a finite number"),
    ([], [{}], {}, DataError, "context must be a mapping"),
    ({}, {"a": 1}, {}, DataError, "candidates must be a sequence of mappings"),
    ({}, "ab", {}, DataError, "candidates must be a sequence of mappings"),
    ({}, [{}, 3], {}, DataError, r"candidates\[1\] must be a mapping of field -> value; got 3"),
    ({}, [{}], {"limit": 0}, ConfigError, "limit must be >= 1; got 0"),
    ({}, [{}], {"timeout_s": 0}, ConfigError, "timeout_s must be finite and > 0; got 0"),
    ({}, [{}], {"request_id": "a\nb"}, ConfigError, "request_id must be 1 to 128 printable"),
    ({}, [{}], {"request_id": ""}, ConfigError, "request_id must be 1 to 128 printable"),
]


@pytest.mark.parametrize(("context", "candidates", "options", "kind", "message"), BAD)
def test_rank_refuses_wrong_arguments(
    rank: Rank,
    context: Any,
    candidates: Any,
    options: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    with pytest.raises(kind, match=message):
        rank(context, candidates, **options)


def test_rank_of_what_is_not_served_is_rejected_without_retries(
    connect: Connect, target: str
) -> None:
    with pytest.raises(RequestRejected, match=r"NOT_FOUND: .*Latest\(other\)"):
        connect(target, "other")({}, [{}])
    with pytest.raises(RequestRejected, match=r"NOT_FOUND: .*Specific\(tiny, 9\)"):
        connect(target, NAME, version=9)({}, [{}])
    assert connect(target, NAME, version=1)({}, [{}]).model_version == 1
    with pytest.raises(ConfigError, match=r"must have the signature 'absent'; got .*parsed"):
        connect(target, NAME, signature_name="absent")({}, [{}])
    with pytest.raises(ConfigError, match="'slow' must take one input of serialized tf"):
        connect(target, NAME, signature_name="slow")({}, [{}])


def test_rank_from_eight_threads_over_one_connection(target: str) -> None:
    candidates = [_candidates(20, seed) for seed in range(8)]
    failures: list[object] = []

    def work(client: RankClient, rows: list[dict[str, Any]], expected: Ranking) -> None:
        for _ in range(25):
            ranking = client.rank({"user": "ada"}, rows, score="price * ctr")
            if ranking.ranked != expected.ranked or ranking.fallback:
                failures.append(ranking)

    options = RankOptions(aliases=ALIASES, max_candidates_per_request=8)
    with RankClient(target, NAME, options) as client:
        alone = [client.rank({"user": "ada"}, rows, score="price * ctr") for rows in candidates]
        threads = [
            threading.Thread(target=work, args=(client, rows, expected))
            for rows, expected in zip(candidates, alone, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
