"""Beam's own runner with workers beside itself: one that cannot start is one error in time."""

import re
import sys
from pathlib import Path

import pytest

from rankbeam.pipeline.beam.arguments import Arguments, direct_arguments
from rankbeam.pipeline.beam.probe_direct import one_worker, probe_direct
from rankbeam.pipeline.beam.spec import DirectSpec
from rankbeam.transform.errors import EnvironmentFault
from tests.e2e.command import session_of
from tests.pipeline.beam.workers import spoil_workers

_PROCESSES = DirectSpec(running_mode="multi_processing", num_workers=2)
_THREADS = DirectSpec(running_mode="multi_threading", num_workers=2)


def _words(spec: DirectSpec) -> Arguments:
    return one_worker(direct_arguments(spec))


def test_one_worker_takes_the_place_of_all() -> None:
    told = [word for word in _words(_PROCESSES) if "workers" in word]
    assert told == ["--direct_num_workers=1"]
    rest = set(direct_arguments(_PROCESSES)) - {"--direct_num_workers=2"}
    assert set(_words(_PROCESSES)) == {*rest, *told}


@pytest.mark.slow
@pytest.mark.parametrize("spec", [_PROCESSES, _THREADS], ids=["processes", "threads"])
def test_workers_that_start_pass(spec: DirectSpec) -> None:
    probe_direct(_words(spec), timeout_s=120)


@pytest.mark.slow
def test_worker_that_ends_is_told_before_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "os.write(2, b'no library here'); os._exit(3)"
    spoil_workers(monkeypatch, tmp_path / "spoilt", said)
    message = (
        r"^Beam's own runner must run a Python worker like this process; after \d+ s got Worker "
        rf"subprocess exited with return code 3 \(its python is {re.escape(sys.executable)}; "
    )
    with pytest.raises(EnvironmentFault, match=message):
        probe_direct(_words(_PROCESSES), timeout_s=600)
    assert "no library here" in capfd.readouterr().err


@pytest.mark.slow
def test_worker_that_hangs_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "session"
    note = f"open({str(file)!r}, 'w').write(str(os.getsid(0))); time.sleep(600)"
    spoil_workers(monkeypatch, tmp_path / "spoilt", note)
    message = r"^Beam's own runner must start a Python worker within 15 s; got none \(its python is"
    with pytest.raises(EnvironmentFault, match=message):
        probe_direct(_words(_PROCESSES), timeout_s=15)
    assert session_of(int(file.read_text())) == []


@pytest.mark.slow
def test_worker_that_a_proxy_keeps_from_its_runner_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # gRPC asks a proxy for localhost too. Nothing listens at this port.
    monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_grpc_proxy", "")
    monkeypatch.setenv("no_proxy", "")
    message = r"within 5 s; got none \(.*where a proxy is set, is localhost in no_proxy\?\)$"
    with pytest.raises(EnvironmentFault, match=message):
        probe_direct(_words(_THREADS), timeout_s=5)
