"""The command of the containers: which paths TFX is told, and how a node ends."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.kubeflow.entry import beam_words, local_path, remote_uri, start_time
from tests.pipeline.beam.workers import spoil_workers

URIS = {
    "minio://mlpipeline/v2/artifacts/ads/model": "/minio/mlpipeline/v2/artifacts/ads/model",
    "s3://bucket/ads/model": "/s3/bucket/ads/model",
    "gs://bucket/ads/model": "gs://bucket/ads/model",
    "/mnt/models/ads": "/mnt/models/ads",
}
_MODEL = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
_STRING = {"parameterType": "STRING"}


@pytest.mark.parametrize("uri", URIS)
def test_local_path_is_where_the_launcher_copies_to(uri: str) -> None:
    assert local_path(uri) == URIS[uri]
    assert remote_uri(URIS[uri]) == uri


def test_beam_words_are_what_tfx_does_not_know() -> None:
    flags = ("--executor_class_path", "a.B", "--json_serialized_invocation_args", '{"x": "--y=1"}')
    told = ["--runner=PortableRunner", "--no_use_public_ips", "--parallelism=2"]
    assert beam_words([*flags, *told, "--json_serialized_inputs_spec_args", "{}"]) == told


def test_start_time_is_taken_out_of_what_tfx_and_beam_are_told() -> None:
    words = ["--runner=PortableRunner", "--job_endpoint=flink:8099"]
    assert start_time(words) == (words, 60.0)
    flag = "--rankbeam_worker_start_timeout_s=300"
    assert start_time([words[0], flag, words[1]]) == (words, 300.0)


def _run(folder: Path, model: Path, *beam: str) -> "subprocess.CompletedProcess[str]":
    """The Baseline's container, with an output artifact below `folder`."""
    artifact: dict[str, Any] = {"type": _MODEL, "metadata": {}}
    invocation = {
        "inputs": {
            "artifacts": {"model": {"artifacts": [{**artifact, "name": "m", "uri": str(model)}]}},
            "parameterValues": {"destination": str(folder / "pushed")},
        },
        "outputs": {
            "artifacts": {
                "baseline": {
                    "artifacts": [{**artifact, "name": "b", "uri": str(folder / "out" / "b")}]
                }
            },
            "outputFile": str(folder / "output.json"),
        },
    }
    words = [
        *("-m", "rankbeam.pipeline.kubeflow.entry"),
        *("--executor_class_path", "rankbeam.components.baseline.executor.Executor"),
        *("--json_serialized_invocation_args", json.dumps(invocation)),
        "--json_serialized_inputs_spec_args",
        json.dumps({"parameters": {"destination": _STRING}}),
        *(beam or ("--direct_num_workers=1",)),
    ]
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=folder
    )


@pytest.mark.slow
def test_entry_runs_an_executor_and_reports_its_outputs(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "Format-Serving").mkdir(parents=True)
    (model / "Format-Serving" / "saved_model.pb").write_text("graph")
    done = _run(tmp_path, model)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "b" / "baseline.json").read_text()) is None
    reported = json.loads((tmp_path / "output.json").read_text())
    [baseline] = reported["artifacts"]["baseline"]["artifacts"]
    assert baseline["uri"] == str(tmp_path / "out" / "b")


@pytest.mark.slow
def test_entry_ends_with_the_errors_own_code_and_words(tmp_path: Path) -> None:
    done = _run(tmp_path, tmp_path / "gone")
    assert done.returncode == 5
    assert done.stderr.splitlines()[-1] == (
        "rankbeam.transform.errors.EnvironmentFault: model must hold a SavedModel; "
        f"{tmp_path}/gone/Format-Serving holds none"
    )
    assert not (tmp_path / "output.json").exists()


@pytest.mark.slow
def test_entry_looks_for_workers_before_a_node_waits_for_them(tmp_path: Path) -> None:
    words = ("--job_endpoint=localhost:1", "--job_server_timeout=1", "--environment_type=LOOPBACK")
    done = _run(tmp_path, tmp_path / "gone", "--runner=PortableRunner", *words)
    assert done.returncode == 5
    assert (
        "EnvironmentFault: the Beam engine at localhost:1 must run a Python worker like this "
        "process; after "
    ) in done.stderr
    # The node itself, which finds no model, was not run.
    assert "model must hold a SavedModel" not in done.stderr


@pytest.mark.slow
def test_entry_gives_up_an_engine_that_is_silent_in_the_time_it_is_told(tmp_path: Path) -> None:
    # Accepts connections, as a hung engine does, and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = f"localhost:{silent.getsockname()[1]}"
        words = (f"--job_endpoint={engine}", "--environment_type=LOOPBACK")
        told = ("--runner=PortableRunner", *words, "--rankbeam_worker_start_timeout_s=2")
        done = _run(tmp_path, tmp_path / "gone", *told)
    assert done.returncode == 5
    assert f"{engine} must start a Python worker within 2 s; got none" in done.stderr


@pytest.mark.slow
def test_entry_looks_for_workers_of_beams_own_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_workers(monkeypatch, tmp_path / "spoilt", "os._exit(3)")
    words = ("--runner=DirectRunner", "--direct_running_mode=multi_processing")
    done = _run(tmp_path, tmp_path / "gone", *words, "--direct_num_workers=2")
    assert done.returncode == 5
    assert "EnvironmentFault: Beam's own runner must run a Python worker like" in done.stderr
    assert "model must hold a SavedModel" not in done.stderr
