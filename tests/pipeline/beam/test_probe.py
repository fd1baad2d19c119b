"""The job before the DAG: a worker that differs, or that never starts, is one error in time."""

import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rankbeam.pipeline.beam.arguments import direct_arguments
from rankbeam.pipeline.beam.probe import Expected, differences, look, probe
from rankbeam.pipeline.beam.probe_reason import told
from rankbeam.pipeline.beam.spec import DirectSpec
from rankbeam.transform.errors import EnvironmentFault

_DIRECT = direct_arguments(DirectSpec())


@pytest.fixture
def expected(tmp_path: Path) -> Expected:
    """What this process has."""
    (tmp_path / "seen").touch()
    return Expected(str(tmp_path), "seen")


def test_worker_like_this_process_passes(tmp_path: Path) -> None:
    probe("beam", _DIRECT, str(tmp_path), tasks=3, timeout_s=60)
    assert list(tmp_path.iterdir()) == []


def test_beams_own_runner_hands_the_job_to_no_other(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="apache_beam")
    probe("beam", _DIRECT, None, tasks=1, timeout_s=60)
    assert "Prism" not in caplog.text
    assert any(record.name.startswith("apache_beam.runners") for record in caplog.records)


def test_worker_need_see_no_folder_where_there_is_none() -> None:
    assert differences(Expected()) == []
    probe("beam", _DIRECT, None, tasks=2, timeout_s=60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: replace(e, python="2.7"), r"Python must be 2\.7; got 3\.\d+"),
        (
            lambda e: replace(e, versions=(("apache-beam", "1.0"), ("flask-nine", "9"))),
            r"apache-beam must be 1\.0; got [\d.]+",
        ),
        (
            lambda e: replace(e, versions=(("no-such-library", "9"),)),
            r"no-such-library must be 9; got none",
        ),
        (
            lambda e: replace(e, folder="/elsewhere"),
            r"the run's output folder must be seen there; got no /elsewhere",
        ),
    ],
)
def test_worker_that_differs_says_where(
    expected: Expected, change: Callable[[Expected], Expected], message: str
) -> None:
    assert differences(expected) == []
    with pytest.raises(RuntimeError, match=rf"^rankbeam-worker: {message}"):
        look(change(expected))


def test_what_a_worker_said_is_found_in_an_engines_words() -> None:
    wrapped = (
        "Pipeline failed in state FAILED: java.lang.RuntimeException: Error received from SDK "
        "harness for instruction 2: Traceback (most recent call last):\n  File a\n"
        "RuntimeError: rankbeam-worker: Python must be 3.10; got 3.11 | [while running 'Look']\n"
    )
    assert told(wrapped) == "Python must be 3.10; got 3.11"
    assert told("\n first \nsecond") == "first"
    assert told("") == "no reason"
    assert told("Pipeline a_b failed in state FAILED: java.lang.Error: x") == "java.lang.Error: x"
    assert told("x" * 301) == "x" * 297 + "..."


def test_engine_that_never_answers_is_given_up(tmp_path: Path) -> None:
    # Accepts connections, as a hung engine does, and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"localhost:{silent.getsockname()[1]}"
        words = ("--runner=PortableRunner", f"--job_endpoint={endpoint}")
        message = r"^flink must start a Python worker within 2 s; got none \(look at its log"
        with pytest.raises(EnvironmentFault, match=message):
            probe("flink", (*words, "--environment_type=LOOPBACK"), str(tmp_path), 1, timeout_s=2)
    assert list(tmp_path.iterdir()) == []


def test_engine_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    words = ("--runner=PortableRunner", "--job_endpoint=localhost:1", "--job_server_timeout=1")
    with pytest.raises(EnvironmentFault, match=r"^flink must run a Python worker like this proc"):
        probe("flink", (*words, "--environment_type=LOOPBACK"), str(tmp_path), 1, timeout_s=60)
