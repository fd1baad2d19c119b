"""`rankbeam engine` where nothing is up: words and exit codes."""

from pathlib import Path

import pytest

from tests.e2e.command import rankbeam


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKBEAM_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("RANKBEAM_CACHE_DIR", str(tmp_path))


def test_status_of_nothing_exits_as_a_fault() -> None:
    told = rankbeam("engine", "status")
    assert told.out == "flink: down, not started\nspark: down, not started\n"
    assert (told.code, told.err) == (5, "")


def test_down_of_nothing_is_done() -> None:
    told = rankbeam("engine", "down", "spark")
    assert (told.code, told.out, told.err) == (0, "spark was not up\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("flink", "--slots", 0), "error: --slots must be >= 1; got 0\n"),
        (("flink", "--setting", "x"), "error: --setting must be KEY=VALUE; got x\n"),
    ],
)
def test_up_refuses_options_before_it_looks_for_java(
    words: tuple[object, ...], message: str
) -> None:
    told = rankbeam("engine", "up", *words)
    assert (told.code, told.out, told.err) == (2, "", message)


def test_up_without_java_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    told = rankbeam("engine", "up", "spark")
    assert (told.code, told.out) == (5, "")
    assert told.err.startswith("error: java must be installed for an engine (Java 11 to 21); got J")
