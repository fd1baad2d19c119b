"""A Python worker that cannot start ends a run with one error in time, before its first node.

On a real engine, which by itself waits for it for ever.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.beam.worker_program import worker_program
from rankbeam.pipeline.engines.places import Places
from rankbeam.pipeline.engines.state import read_state
from tests.e2e.command import Finished, await_that, rankbeam
from tests.e2e.engines import engine, free_port, listens
from tests.e2e.outputs import records, states
from tests.e2e.tiny import run_words, write_config
from tests.pipeline.beam.workers import spoil_workers

pytestmark = pytest.mark.slow

# A hang is what these tests are to find: nothing here asks for speed.
_HANGS_S = 120.0


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint of a Flink that is up."""
    state = tmp_path_factory.mktemp("flink")
    with engine("flink", state, "--slots", 1, "--memory", 768):
        found = read_state(Places(state, state).engine("flink"))
        assert found is not None
        yield found.endpoint


def _run(folder: Path, market: Path, beam: Mapping[str, Any]) -> Finished:
    """The tiny config with a section `beam`; no node must have begun, and nothing be left."""
    output = folder / "out"
    config = write_config(folder / "config", {"beam": beam})
    finished = rankbeam(*run_words(config, market, output), timeout_s=_HANGS_S)
    [record] = records(output)
    assert (record["state"], record["nodes"]) == ("failed", [])
    assert not list(output.glob(".beam-probe*"))
    return finished


def _assert_told(finished: Finished, message: str) -> None:
    """One error, on one line but for where the log is."""
    assert finished.code == 5
    first = finished.err.splitlines()[0]
    assert re.match(rf"error: {message}", first), finished.err
    assert finished.err.count("error: ") == 1
    assert "Traceback" not in finished.err


def _on_flink(endpoint: str, environment: Mapping[str, str], timeout_s: int) -> dict[str, Any]:
    return {
        "runner": "flink",
        "worker_start_timeout_s": timeout_s,
        "flink": {"job_endpoint": endpoint, "environment": environment},
    }


def _program(folder: Path, script: str, name: str = "worker") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def test_worker_that_never_calls(flink: str, market: Path, tmp_path: Path) -> None:
    command = _program(tmp_path, "exec sleep 600")
    environment = {"kind": "process", "command": str(command)}
    finished = _run(tmp_path, market, _on_flink(flink, environment, 5))
    _assert_told(finished, r"flink must start a Python worker within 5 s; got none \(look at its")


def test_worker_that_ends_with_an_error(flink: str, market: Path, tmp_path: Path) -> None:
    command = _program(tmp_path, "echo no library here >&2\nexit 3")
    environment = {"kind": "process", "command": str(command)}
    finished = _run(tmp_path, market, _on_flink(flink, environment, 100))
    # Flink hears of it, so nobody has to wait.
    _assert_told(
        finished, r"flink must run a Python worker like this process; after \d+ s got .*code 3$"
    )


def test_pool_whose_python_cannot_import_beam(flink: str, market: Path, tmp_path: Path) -> None:
    with _pool_without_beam(tmp_path / "pool") as address:
        environment = {"kind": "external", "address": address}
        finished = _run(tmp_path, market, _on_flink(flink, environment, 15))
    assert "No module named 'apache_beam'" in (tmp_path / "pool" / "log").read_text()
    _assert_told(
        finished,
        r"flink must start a Python worker within 15 s; got none \(look at its log and the "
        r"worker's: is the worker's python the run's, can it import apache_beam ",
    )


@contextmanager
def _pool_without_beam(folder: Path) -> Iterator[str]:
    """A worker pool that is up for a block; the `python` on its PATH has no libraries."""
    _program(folder, f'exec {sys.executable} -I -S "$@"', name="python")
    address = f"localhost:{free_port()}"
    module = "apache_beam.runners.worker.worker_pool_main"
    words = [sys.executable, "-m", module, f"--service_port={address.partition(':')[2]}"]
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    with (folder / "log").open("wb") as log:
        pool = subprocess.Popen(words, env={**os.environ, "PATH": path}, stdout=log, stderr=log)
        try:
            assert await_that(lambda: listens(address), pool)
            yield address
        finally:
            pool.kill()
            pool.wait()


def _blind(folder: Path, hidden: Path) -> dict[str, str]:
    """An environment whose workers see nothing of a folder, as on another machine.

    Skips the test where a process may have no mounts of its own.
    """
    words = ["unshare", "--mount", "true"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"mounts of one process are not allowed here: {tried.stderr.strip()}")
    mount = f'mount -t tmpfs none "{hidden}" && exec "$0" "$@"'
    command = _program(
        folder / "blind",
        f"exec unshare --mount sh -c '{mount}' {worker_program(folder / 'program')} \"$@\"",
    )
    return {"kind": "process", "command": str(command)}


_UNSEEN = (
    r"must run a Python worker like this process; after \d+ s got the run's output folder must be "
    "seen there; got no"
)


def test_worker_that_sees_other_files(flink: str, market: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    finished = _run(tmp_path, market, _on_flink(flink, _blind(tmp_path, output), 100))
    _assert_told(finished, rf"flink {_UNSEEN} {output}$")


def test_compiled_pipeline_whose_workers_see_other_files(
    flink: str, market: Path, tmp_path: Path
) -> None:
    package, output, elsewhere = tmp_path / "p.yaml", tmp_path / "out", "flink.internal:8099"
    beam = _on_flink(elsewhere, _blind(tmp_path, output), 100)
    root = {"kubeflow.pipeline_root": "gs://bucket/root"}
    config = write_config(tmp_path / "config", {"beam": beam, **root})
    compiled = rankbeam("compile", config, "-o", package)
    assert (compiled.code, compiled.err) == (0, "")
    package.write_text(package.read_text().replace(elsewhere, flink))
    words = ("--parameter", f"data_path={market}", "--parameter", "span=1", "--output", output)
    finished = rankbeam("run", "--compiled", package, *words, timeout_s=_HANGS_S)
    [record] = records(output)
    # StatisticsGen is the first node with Beam stages; it had not begun its work.
    assert states(record) == {"ExampleGen": "done", "StatisticsGen": "failed"}
    folder = f"{output}/compiled/.*/StatisticsGen"
    _assert_told(finished, rf"the Beam engine at {flink} {_UNSEEN} {folder}$")


def test_worker_of_beams_own_runner_that_never_calls(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_workers(monkeypatch, tmp_path / "spoilt", "time.sleep(600)")
    direct = {"running_mode": "multi_processing", "num_workers": 2}
    finished = _run(tmp_path, market, {"direct": direct, "worker_start_timeout_s": 5})
    _assert_told(finished, "Beam's own runner must start a Python worker within 5 s; got none ")
