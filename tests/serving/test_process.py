"""Real server processes: round trip, refusals, faults, and the end of one with its parent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankbeam.serving.client import PredictClient
from rankbeam.serving.errors import ModelNotServable
from rankbeam.serving.process import ProcessOptions, ServerProcess
from rankbeam.serving.warmup import write_warmup
from rankbeam.transform.errors import EnvironmentFault
from tests.serving import tiny_models
from tests.serving.waiting import NAME, wait_until


@pytest.fixture
def options(base_path: Path) -> ProcessOptions:
    return ProcessOptions(NAME, base_path, server="embedded", timeout_s=60.0)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _binary(folder: Path, script: str) -> str:
    """A PATH whose `tensorflow_model_server` is a shell script."""
    folder.mkdir()
    binary = folder / "tensorflow_model_server"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.slow
def test_process_round_trip_with_warmup(options: ProcessOptions) -> None:
    rows = tiny_models.examples()
    write_warmup(options.base_path / "1", [tiny_models.predict_request(rows)])
    with ServerProcess(replace(options, rest=True)) as server, server.client() as client:
        assert server.kind == "embedded"
        parsed = client.predict_tensors({}, "parsed_examples")["count"]
        assert parsed == len(rows)  # the warm-up ran before the version became AVAILABLE
        prediction = client.predict_examples(rows)
        for name, values in tiny_models.oracle().items():
            np.testing.assert_allclose(prediction[name], values, rtol=0, atol=2e-7)
        assert "version 1 of model tiny is available" in server.log_tail()
        with urllib.request.urlopen(f"http://{server.rest_target}/v1/models/{NAME}") as answer:
            [version] = json.load(answer)["model_version_status"]
        assert (version["version"], version["state"]) == ("1", "AVAILABLE")
        pid = server.pid
    assert not _alive(pid)


@pytest.mark.slow
def test_process_serves_an_older_version_where_the_newest_is_broken(
    options: ProcessOptions,
) -> None:
    (options.base_path / "2").mkdir()
    with ServerProcess(options) as server, server.client() as client:
        assert server.rest_target == ""
        assert {row.version: row.state for row in client.status()} == {2: "END", 1: "AVAILABLE"}


@pytest.mark.slow
def test_process_model_that_cannot_be_loaded_is_not_servable(options: ProcessOptions) -> None:
    (options.base_path / "1" / "variables" / "variables.index").unlink()
    with (
        pytest.raises(ModelNotServable, match="embedded server cannot load model tiny: version 1"),
        ServerProcess(options),
    ):
        pass


@pytest.mark.slow
def test_process_without_any_version_times_out_with_the_log(
    tmp_path: Path, options: ProcessOptions
) -> None:
    (tmp_path / "empty").mkdir()
    late = replace(options, base_path=tmp_path / "empty", timeout_s=12.0)
    with (
        pytest.raises(EnvironmentFault, match=r"must make a version AVAILABLE within 12\.0 s; its"),
        ServerProcess(late),
    ):
        pass


@pytest.mark.slow
def test_process_drains_on_sigterm(base_path: Path) -> None:
    """A request under way when SIGTERM comes is answered; the exit code is 0."""
    command = [sys.executable, "-m", "rankbeam.serving.server_main", "--port=0"]
    command += [f"--model_name={NAME}", f"--model_base_path={base_path}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        answered, refused = _ask_slowly_and_terminate(process, process.stdout.readline())
        assert process.wait(30) == 0
    assert answered == pytest.approx(1 / 400, rel=1e-3)
    assert "UNAVAILABLE" in refused


def _ask_slowly_and_terminate(process: subprocess.Popen[str], line: str) -> tuple[float, str]:
    announced = json.loads(line)
    assert announced["pid"] == process.pid
    target = f"{announced['host']}:{announced['grpc_port']}"
    answers: list[float] = []
    with PredictClient(target, NAME, timeout_s=60.0) as client:
        wait_until(lambda: client.status()[0].state == "AVAILABLE")
        rounds = _rounds(client, seconds=2.0)

        def ask() -> None:
            answer = client.predict_tensors({"rounds": rounds}, "slow")
            answers.append(float(answer["mean"]))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with (
            PredictClient(target, NAME, timeout_s=5.0) as late,
            pytest.raises(EnvironmentFault, match="must answer within") as raised,
        ):
            late.status()
        assert not answers  # the server was still at work when it refused the late call
        asking.join()
    return answers[0], str(raised.value)


def _rounds(client: PredictClient, seconds: float) -> np.int32:
    """How many rounds of `slow` take that long here."""
    client.predict_tensors({"rounds": np.int32(1)}, "slow")
    started = time.monotonic()
    client.predict_tensors({"rounds": np.int32(200)}, "slow")
    return np.int32(200 * seconds / (time.monotonic() - started))


PARENT = """
import os, sys, time
from pathlib import Path
from rankbeam.serving.process import ProcessOptions, ServerProcess
with ServerProcess(ProcessOptions("tiny", Path(sys.argv[1]), server="embedded")) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_process_dies_with_its_parent(base_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(base_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _alive(child)
        parent.kill()
    wait_until(lambda: not _alive(child), timeout_s=10.0)


@pytest.mark.slow
def test_process_prefers_the_binary_on_path(
    tmp_path: Path, options: ProcessOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'exec {sys.executable} -m rankbeam.serving.server_main "$@"'
    monkeypatch.setenv("PATH", _binary(tmp_path / "bin", script))
    with ServerProcess(replace(options, server="auto")) as server, server.client() as client:
        assert server.kind == "tensorflow_model_server"
        assert client.predict_examples([b""]).model_version == 1


def test_process_binary_that_refuses_the_model_is_not_servable(
    tmp_path: Path, options: ProcessOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "Failed to start server. Error: 1 servable(s) did not become available" >&2\n'
    monkeypatch.setenv("PATH", _binary(tmp_path / "bin", script + "exit 255"))
    with (
        pytest.raises(ModelNotServable, match="ended with code 255 before it served; its log ends"),
        ServerProcess(replace(options, server="tensorflow_model_server")),
    ):
        pass


def test_process_binary_that_crashes_is_a_fault_with_its_log(
    tmp_path: Path, options: ProcessOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "libstdc++.so.6: cannot open" >&2; kill -SEGV $$'
    monkeypatch.setenv("PATH", _binary(tmp_path / "bin", script))
    with (
        pytest.raises(EnvironmentFault, match=r"ended with code -11 .*\n.*cannot open"),
        ServerProcess(replace(options, server="auto")),
    ):
        pass


def test_process_binary_that_cannot_be_run_is_a_fault(
    tmp_path: Path, options: ProcessOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _binary(tmp_path / "bin", "")
    (tmp_path / "bin" / "tensorflow_model_server").write_bytes(b"\x7fELF broken")
    monkeypatch.setenv("PATH", path)
    with (
        pytest.raises(EnvironmentFault, match="ended with code 1 before it served"),
        ServerProcess(replace(options, server="auto")),
    ):
        pass


def test_process_missing_binary_is_a_fault(
    options: ProcessOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="tensorflow_model_server must be on PATH"):
        ServerProcess(replace(options, server="tensorflow_model_server"))
    assert ServerProcess(replace(options, server="auto")).kind == "embedded"


def test_process_leaves_no_folder_behind(
    tmp_path: Path, options: ProcessOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("PATH", _binary(tmp_path / "bin", "exit 3"))
    with (
        pytest.raises(EnvironmentFault, match="ended with code 3"),
        ServerProcess(replace(options, server="auto")),
    ):
        pass
    assert list((tmp_path / "tmp").iterdir()) == []
    assert shutil.which("tensorflow_model_server") is not None
