"""The command of the containers: which paths TFX is told, and how a node ends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.kubeflow.entry import beam_words, local_path, remote_uri

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
