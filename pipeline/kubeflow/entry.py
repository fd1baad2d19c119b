"""The command of every node's container: TFX's entry point for Kubeflow, on paths that it can read.

Kubeflow keeps artifacts where the cluster says. TensorFlow reads gs:// itself, but neither minio://
nor s3://; there, Kubeflow's launcher copies inputs to a local folder before the node starts, and
outputs from one after it has ended. TFX is told these folders, and what it reports is turned back.

A node whose Beam stages need workers of their own looks first whether one starts at all: its job
would wait for it for ever.

A deliberate error ends the container with its own exit code; its message is the log's last line.
"""

import argparse
import importlib
import json
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from rankbeam.pipeline.beam.arguments import (
    WORKER_START_FLAG,
    on_a_job_service,
    starts_own_workers,
)
from rankbeam.pipeline.beam.spec import BeamSpec
from rankbeam.transform.errors import RankbeamError

INVOCATION_FLAG = "--json_serialized_invocation_args"
_TFX_FLAGS = ("--executor_class_path", INVOCATION_FLAG, "--json_serialized_inputs_spec_args")
_TFX_ENTRY_POINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
# backend/src/v2/component of kubeflow/pipelines: LocalPathForURI.
COPIED = {"minio://": "/minio/", "s3://": "/s3/"}
"""Scheme to the folder in which Kubeflow's launcher keeps the copies."""


def main(arguments: Sequence[str]) -> int:
    """Run one node.

    Args:
        arguments: Those of TFX's entry point.

    Returns:
        The exit code.
    """
    arguments, timeout_s = start_time(arguments)
    place = arguments.index(INVOCATION_FLAG) + 1
    invocation = json.loads(arguments[place])
    _each_artifact(invocation, local_path)
    _make_folders(invocation)
    arguments[place] = json.dumps(invocation)
    sys.argv = [_TFX_ENTRY_POINT, *arguments]
    # Nodes of TFX's own read URIs too; only now, as the import takes TensorFlow.
    importlib.import_module("rankbeam.components.remote.files")
    try:
        _check_workers(beam_words(arguments), _own_folder(invocation), timeout_s)
        runpy.run_module(_TFX_ENTRY_POINT, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    except RankbeamError as error:
        traceback.print_exc()
        return error.exit_code
    _restore(invocation["outputs"]["outputFile"])
    return 0


def beam_words(arguments: Sequence[str]) -> list[str]:
    """What TFX's entry point hands on to Beam: all that it does not know itself."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    for flag in _TFX_FLAGS:
        parser.add_argument(flag)
    return parser.parse_known_args(list(arguments))[1]


def start_time(arguments: Sequence[str]) -> tuple[list[str], float]:
    """The arguments without the time that a worker gets to start, and that time, in seconds."""
    flag = f"{WORKER_START_FLAG}="
    given = [word.removeprefix(flag) for word in arguments if word.startswith(flag)]
    rest = [word for word in arguments if not word.startswith(flag)]
    # Pipelines that were compiled before there was this flag get the default.
    return rest, float(given[-1] if given else BeamSpec().worker_start_timeout_s)


def _check_workers(words: Sequence[str], folder: str | None, timeout_s: float) -> None:
    """Run a job of a second where workers have to start.

    Args:
        words: What Beam is told.
        folder: What a worker elsewhere must see; None for nothing.
        timeout_s: Time for the job to end.

    Raises:
        EnvironmentFault: None starts, or one that differs from this process.
    """
    # Late: Beam takes seconds, and most nodes need none.
    if starts_own_workers(words):
        own = importlib.import_module("rankbeam.pipeline.beam.probe_direct")
        own.probe_direct(own.one_worker(words), timeout_s)
    if not on_a_job_service(words):
        return
    given = dict(word.partition("=")[::2] for word in words)
    # One task, for which a busy cluster has a slot the soonest.
    alone = [word for word in words if not word.startswith("--parallelism=")]
    probes = importlib.import_module("rankbeam.pipeline.beam.probe")
    engine = f"the Beam engine at {given['--job_endpoint']}"
    probes.probe(engine, [*alone, "--parallelism=1"], folder, 1, timeout_s)


def _own_folder(invocation: dict[str, Any]) -> str | None:
    """Where the node puts an artifact of its own; None where that is in a bucket.

    Not the artifact itself: what a look leaves behind, should it be killed, would be part of it.
    """
    outputs = invocation.get("outputs", {}).get("artifacts", {}).values()
    uris = [artifact["uri"] for found in outputs for artifact in found["artifacts"]]
    return next((os.path.dirname(uri.rstrip("/")) for uri in uris if "://" not in uri), None)


def local_path(uri: str) -> str:
    """Where a URI's copy is; the URI itself where TensorFlow reads it."""
    for scheme, folder in COPIED.items():
        if uri.startswith(scheme):
            return folder + uri.removeprefix(scheme)
    return uri


def remote_uri(path: str) -> str:
    """The inverse of `local_path`."""
    for scheme, folder in COPIED.items():
        if path.startswith(folder):
            return scheme + path.removeprefix(folder)
    return path


def _each_artifact(invocation: dict[str, Any], change: Callable[[str], str]) -> None:
    for side in ("inputs", "outputs"):
        for found in invocation.get(side, {}).get("artifacts", {}).values():
            for artifact in found["artifacts"]:
                artifact["uri"] = change(artifact["uri"])


def _make_folders(invocation: dict[str, Any]) -> None:
    """Outputs have folders to write to, as they have in a local run."""
    outputs = invocation.get("outputs", {})
    for found in outputs.get("artifacts", {}).values():
        for artifact in found["artifacts"]:
            if "://" not in artifact["uri"]:
                os.makedirs(artifact["uri"], exist_ok=True)


def _restore(output_file: str) -> None:
    """Turn the reported artifacts' paths back into URIs."""
    if "://" in output_file:  # on Vertex, whose artifacts are on gs:// as well
        return
    with open(output_file, encoding="utf-8") as file:
        output = json.load(file)
    _each_artifact({"outputs": output}, remote_uri)
    with open(output_file, "w", encoding="utf-8") as file:
        json.dump(output, file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
