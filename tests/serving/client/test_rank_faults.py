"""Both ranking clients against servers that fail, hang, restart and change under them."""

import threading
from typing import Any

import grpc
import pytest
import tensorflow as tf

from rankbeam.serving.client import Fallback, RetryPolicy
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault
from tests.serving.client.conftest import Connect
from tests.serving.client.scripted_server import NAME, ScriptedServer, failing, hanging

UNAVAILABLE, INVALID = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
QUICK = RetryPolicy(max_attempts=4, initial_backoff_s=0.001, max_backoff_s=0.01, seed=1)
PATIENT = RetryPolicy(max_attempts=1000, initial_backoff_s=0.01, max_backoff_s=0.05)
# click = price / 100, conversion = age / 10.
ROWS: list[dict[str, Any]] = [
    {"price": 1.0, "age": 3, "bid": 2},
    {"price": 3.0, "age": 1, "bid": 1},
    {"price": 2.0, "age": 2, "bid": 3},
    {"price": 2.0, "age": 2, "bid": 1},
]
BY_CLICK = [1, 2, 3, 0]


def _indices(ranking: Any) -> list[int]:
    return [each.index for each in ranking]


@pytest.mark.parametrize("code", [UNAVAILABLE, grpc.StatusCode.CANCELLED])
@pytest.mark.parametrize("faults", [0, 1, 3])
def test_rank_tries_again_while_the_server_is_unavailable(
    connect: Connect, code: grpc.StatusCode, faults: int
) -> None:
    with ScriptedServer(predict=failing([code] * faults)) as server:
        ranking = connect(server.target, NAME, retry=QUICK)({}, ROWS, score="click")
        assert server.methods() == ["GetModelMetadata"] + ["Predict"] * (faults + 1)
    assert (_indices(ranking), ranking.fallback) == (BY_CLICK, False)
    attempts = [(call.attempt, call.code) for call in ranking.calls[1:]]
    assert attempts == [(n + 1, code.name) for n in range(faults)] + [(faults + 1, "OK")]
    assert len({call.request_id for call in server.calls}) == 1
    assert server.calls[0].request_id == ranking.request_id


def test_rank_gives_up_after_the_last_attempt(connect: Connect) -> None:
    with ScriptedServer(predict=failing([UNAVAILABLE] * 9)) as server:
        rank = connect(server.target, NAME, retry=QUICK)
        ranking = rank({}, ROWS, score="click")
        assert server.methods().count("Predict") == 4
    assert ranking.fallback
    assert ranking.reason == "UNAVAILABLE after 4 attempts: as the script says"
    assert (_indices(ranking), ranking.model_version) == ([0, 1, 2, 3], None)
    assert [each.outputs for each in ranking] == [{}] * 4


def test_rank_without_retries_asks_once(connect: Connect) -> None:
    with ScriptedServer(predict=failing([UNAVAILABLE])) as server:
        ranking = connect(server.target, NAME, retry=RetryPolicy(max_attempts=1))(
            {}, ROWS, score="click"
        )
        assert server.methods() == ["GetModelMetadata", "Predict"]
    assert ranking.reason == "UNAVAILABLE after 1 attempt: as the script says"


@pytest.mark.parametrize(
    "code", [INVALID, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNIMPLEMENTED]
)
def test_rank_never_repeats_what_was_rejected(connect: Connect, code: grpc.StatusCode) -> None:
    with ScriptedServer(predict=failing([code] * 9)) as server:
        with pytest.raises(RequestRejected, match=f"{code.name}: as the script says"):
            connect(server.target, NAME, retry=QUICK)({}, ROWS, score="click")
        assert server.methods() == ["GetModelMetadata", "Predict"]


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_rank_falls_back_at_once_on_a_defect_of_the_server(
    connect: Connect, code: grpc.StatusCode
) -> None:
    with ScriptedServer(predict=failing([code] * 9)) as server:
        ranking = connect(server.target, NAME, retry=QUICK)({}, ROWS, score="click")
        assert server.methods() == ["GetModelMetadata", "Predict"]
    assert ranking.reason == f"{code.name} after 1 attempt: as the script says"


def test_rank_ends_at_its_deadline_whatever_the_server_does(connect: Connect) -> None:
    with ScriptedServer(predict=hanging) as server:
        rank = connect(server.target, NAME, retry=PATIENT)
        ranking = rank({}, ROWS, score="click", timeout_s=0.3)
        assert server.methods() == ["GetModelMetadata", "Predict"]
        assert all((call.timeout_s or 10.0) < 1.0 for call in server.calls)
    assert ranking.fallback
    assert str(ranking.reason).startswith("DEADLINE_EXCEEDED after 1 attempt: ")
    assert [call.code for call in ranking.calls] == ["OK", "DEADLINE_EXCEEDED"]


def test_rank_retries_share_one_deadline(connect: Connect) -> None:
    with ScriptedServer(predict=failing([UNAVAILABLE] * 10_000)) as server:
        rank = connect(server.target, NAME, retry=PATIENT)
        ranking = rank({}, ROWS, score="click", timeout_s=0.4)
        left = [call.timeout_s or 0.0 for call in server.calls]
    assert ranking.fallback
    assert len(left) > 2
    # Each attempt gets what the ones before have left; gRPC rounds it up on its way.
    assert left[-1] < left[0] < 0.41


@pytest.mark.parametrize(
    ("fallback", "order"),
    [
        (Fallback(), [0, 1, 2, 3]),
        (Fallback("bid"), [2, 0, 1, 3]),
        (Fallback("bid * scale"), [1, 3, 0, 2]),
        (Fallback("log(bid - 1)"), [2, 0, 1, 3]),
        (Fallback("absent"), [0, 1, 2, 3]),
    ],
)
def test_rank_falls_back_where_nobody_listens(
    connect: Connect, free_port: int, fallback: Fallback, order: list[int]
) -> None:
    rank = connect(f"127.0.0.1:{free_port}", NAME, retry=QUICK, fallback=fallback)
    ranking = rank({"scale": -1}, ROWS, score="click", limit=3)
    assert (ranking.fallback, ranking.model_version) == (True, None)
    assert str(ranking.reason).startswith("UNAVAILABLE after 4 attempts: ")
    assert (_indices(ranking), ranking.score) == (order[:3], fallback.score)
    assert [call.method for call in ranking.calls] == ["GetModelMetadata"] * 4


def test_rank_raises_where_no_fallback_is_wanted(connect: Connect, free_port: int) -> None:
    rank = connect(f"127.0.0.1:{free_port}", NAME, retry=QUICK, fallback=None)
    with pytest.raises(EnvironmentFault, match=r"must answer within 10.0 s; got UNAVAILABLE after"):
        rank({}, ROWS)


def test_rank_succeeds_when_the_server_restarts_within_the_deadline(connect: Connect) -> None:
    with ScriptedServer() as first:
        rank = connect(first.target, NAME, retry=PATIENT)
        assert not rank({}, ROWS, score="click").fallback
    second = ScriptedServer(port=first.port, version=2)
    starter = threading.Timer(0.3, second.__enter__)
    starter.start()
    try:
        ranking = rank({}, ROWS, score="click", timeout_s=30.0)
    finally:
        starter.join()
        second.__exit__(None, None, None)
    assert (ranking.fallback, ranking.model_version) == (False, 2)
    assert _indices(ranking) == BY_CLICK
    assert ranking.calls[0].code == "UNAVAILABLE"


def test_rank_waits_for_a_server_that_is_still_loading(connect: Connect) -> None:
    with ScriptedServer(metadata_faults=[NOT_FOUND] * 2, states={1: "LOADING"}) as server:
        ranking = connect(server.target, NAME, retry=QUICK)({}, ROWS, score="click")
        asked = ["GetModelMetadata", "GetModelStatus"] * 2 + ["GetModelMetadata", "Predict"]
        assert server.methods() == asked
    assert _indices(ranking) == BY_CLICK


@pytest.mark.parametrize("states", [{}, {1: "END"}])
def test_rank_does_not_wait_for_what_will_not_come(
    connect: Connect, states: dict[int, str]
) -> None:
    with ScriptedServer(metadata_faults=[NOT_FOUND], states=states) as server:
        with pytest.raises(RequestRejected, match="NOT_FOUND: as the script says"):
            connect(server.target, NAME, retry=QUICK)({}, ROWS, score="click")
        assert server.methods() == ["GetModelMetadata", "GetModelStatus"]


def test_rank_waits_for_a_model_that_it_has_met(connect: Connect) -> None:
    with ScriptedServer(predict=failing([NOT_FOUND])) as server:
        ranking = connect(server.target, NAME, retry=QUICK)({}, ROWS, score="click")
        assert server.methods() == ["GetModelMetadata", "Predict", "Predict"]
    assert not ranking.fallback


def _alternating(versions: list[int]) -> Any:
    """Unpinned requests are answered by these versions in turn; pinned ones by theirs."""
    left = list(versions)
    lock = threading.Lock()

    def behave(request: Any, context: grpc.ServicerContext) -> int:
        if request.model_spec.HasField("version"):
            return int(request.model_spec.version.value)
        with lock:
            return left.pop(0)

    return behave


def test_rank_asks_older_parts_again_by_the_newest_version(connect: Connect) -> None:
    with ScriptedServer(version=8, predict=_alternating([7, 8, 7, 8])) as server:
        rank = connect(server.target, NAME, max_candidates_per_request=1)
        ranking = rank({}, ROWS, score="click")
        requests = [call.request for call in server.calls if call.method == "Predict"]
    assert (ranking.model_version, _indices(ranking)) == (8, BY_CLICK)
    assert [request.model_spec.version.value for request in requests] == [0] * 4 + [8] * 2
    assert sorted(call.model_version or 0 for call in ranking.calls[1:5]) == [7, 7, 8, 8]


def test_rank_starts_anew_when_the_newest_version_vanishes(connect: Connect) -> None:
    versions = _alternating([7, 8, 7, 8, 7, 7, 7, 7])

    def vanishing(request: Any, context: grpc.ServicerContext) -> int:
        if request.model_spec.version.value == 8:
            context.abort(NOT_FOUND, "Servable not found")
        return int(versions(request, context))

    with ScriptedServer(version=7, predict=vanishing) as server:
        rank = connect(server.target, NAME, max_candidates_per_request=1)
        ranking = rank({}, ROWS, score="click")
    assert (ranking.model_version, _indices(ranking)) == (7, BY_CLICK)


def test_rank_follows_a_version_with_other_features(connect: Connect) -> None:
    with ScriptedServer() as server:
        rank = connect(server.target, NAME)
        rows = [{**row, "bid": float(row["bid"])} for row in ROWS]
        assert rank({}, rows, score="click").unsent == ("bid",)
        server.version, server.features["bid"] = 2, tf.float32
        second = rank({}, rows, score="click")
        assert (second.model_version, second.unsent) == (2, ())
        last = server.calls[-1].request.inputs["examples"].string_val[0]
        assert tf.train.Example.FromString(last).features.feature["bid"].float_list.value == [2.0]
        server.version, server.features["age"] = 3, tf.string
        third = rank({}, [{"age": "old"}, {"age": "young"}], score="click")
        assert third.model_version == 3
        with pytest.raises(DataError, match=r"candidates\[0\]\.age must be a string"):
            rank({}, ROWS, score="click")


def test_rank_a_version_with_the_same_features_costs_one_look(connect: Connect) -> None:
    with ScriptedServer() as server:
        rank = connect(server.target, NAME)
        rank({}, ROWS, score="click")
        server.version = 2
        assert rank({}, ROWS, score="click").model_version == 2
        assert rank({}, ROWS, score="click").model_version == 2
        first, change = ["GetModelMetadata", "Predict"], ["Predict", "GetModelMetadata"]
        assert server.methods() == [*first, *change, "Predict"]


def test_rank_wrong_fields_are_refused_after_one_fresh_look(connect: Connect) -> None:
    with ScriptedServer() as server:
        rank = connect(server.target, NAME)
        rank({}, ROWS, score="click")
        with pytest.raises(ConfigError, match="got clack"):
            rank({}, ROWS, score="clack")
        assert server.methods() == ["GetModelMetadata", "Predict", "GetModelMetadata"]
