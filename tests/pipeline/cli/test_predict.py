"""`rankbeam predict` on the command line, against a real server in this process."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.cli import main
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from tests.serving import tiny_models
from tests.serving.waiting import NAME, wait_available

ROWS = [{"id": "a", "age": 1}, {"id": "b", "age": 5}, {"id": "c", "age": 3}]
RANK = {"context": {"user": "ada", "bid": 2}, "candidates": ROWS}

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = tmp_path_factory.mktemp("cli") / "base"
    shutil.copytree(tiny_models.save(base.parent / "model"), base / "1")
    with ModelServer(
        ServerOptions((ModelSettings(NAME, base),), port=0, poll_wait_s=0.05)
    ) as server:
        wait_available(f"127.0.0.1:{server.port}")
        yield f"127.0.0.1:{server.port}"


@pytest.fixture
def run(target: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `rankbeam predict`: exit code, the JSON printed, and the messages."""

    def call(request: object, *arguments: str) -> tuple[int, Any, str]:
        given = ["predict", json.dumps(request), "--target", target, "--model-name", NAME]
        with pytest.raises(SystemExit, match=r"\d+") as caught:
            main([*given, *arguments])
        told = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, json.loads(told.out) if told.out else None, told.err

    return call


def test_predict_scores_without_a_score_option(run: Run) -> None:
    code, answer, _ = run([{"age": 1}, {"age": 5}])
    assert (code, [row["model_version"] for row in answer]) == (0, [1, 1])
    expected = tiny_models.oracle([{"age": 1}, {"age": 5}])["click"]
    assert [row["scores"]["click"] for row in answer] == pytest.approx(expected, abs=2e-7)


def test_predict_ranks_with_a_score(run: Run) -> None:
    options = ["--score", "bid * ctr", "--alias", "ctr=click", "--limit", "2", "--request-id", "r1"]
    code, answer, _ = run(RANK, *options)
    assert code == 0
    assert [each["candidate"]["id"] for each in answer["ranked"]] == ["b", "c"]
    best = answer["ranked"][0]
    assert best["score"] == pytest.approx(2 * best["outputs"]["click"])
    kept = {key: answer[key] for key in sorted(answer) if key not in {"latency_ms", "ranked"}}
    assert kept == {
        "fallback": False,
        "missing": ["price", "tags"],
        "model_name": NAME,
        "model_version": 1,
        "reason": None,
        "request_id": "r1",
        "score": "bid * ctr",
        "unsent": ["bid", "id"],
    }


def test_predict_falls_back_only_when_asked_to(run: Run, tmp_path: Path) -> None:
    away = ["--target", f"unix:{tmp_path}/nobody", "--score", "ctcvr", "--retries", "1"]
    code, answer, err = run(RANK, *away)
    assert (code, answer) == (5, None)
    assert "must answer within 10.0 s; got UNAVAILABLE after 2 attempts" in err
    code, answer, _ = run(RANK, *away, "--fallback", "-age")
    assert (code, answer["fallback"], answer["model_version"]) == (0, True, None)
    assert [each["index"] for each in answer["ranked"]] == [0, 2, 1]
    assert answer["reason"].startswith("UNAVAILABLE after 2 attempts: ")


BAD = [
    (RANK, ["--limit", "1"], 2, "--request-id must be given with --score; got no score"),
    (RANK, ["--score", "ctr"], 2, "got ctr at character 1 of 'ctr'; did you mean"),
    (RANK, ["--score", "click", "--alias", "ctr"], 2, "--alias must be NAME=EXPR; got 'ctr'"),
    (RANK, ["--score", "click", "--server-name", "a"], 2, "server_name must be given with TLS"),
    (RANK, ["--score", "click", "--version", "7"], 3, "NOT_FOUND: Servable not found"),
    (ROWS, ["--score", "click"], 3, 'request must be {"context": {...}, "candidates": [...]}'),
    ({"age": 1}, ["--score", "click"], 3, "where a score is given; got age"),
    ({"candidates": 3}, ["--score", "click"], 3, "candidates must be a sequence of mappings"),
    (RANK, [], 3, "must name features of the model; got 'candidates'"),
    (RANK, ["--root-certificates", "absent.pem"], 5, "root_certificates must be a readable file"),
]


@pytest.mark.parametrize(("request_json", "arguments", "expected", "message"), BAD)
def test_predict_refusals_end_with_their_codes(
    run: Run, request_json: object, arguments: list[str], expected: int, message: str
) -> None:
    code, answer, err = run(request_json, *arguments)
    assert (code, answer) == (expected, None)
    assert message in err


def test_predict_reads_no_json(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="3"):
        main(["predict", "{", "--target", target, "--model-name", NAME, "--score", "click"])
    assert "request must be JSON; Expecting" in capsys.readouterr().err
