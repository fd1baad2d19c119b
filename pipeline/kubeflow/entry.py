"""The command of every node's container: TFX's entry point for Kubeflow, on paths that it can read.

Kubeflow keeps artifacts where the cluster says. TensorFlow reads gs:// itself, but neither minio://
nor s3://; there, Kubeflow's launcher copies inputs to a local folder before the node starts, and
outputs from one after it has ended. TFX is told these folders, and what it reports is turned back.

A node whose Beam stages go to a job service looks first whether that starts workers at all: its
job would wait for them for ever.

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

from rankbeam.transform.errors import RankbeamError

INVOCATION_FLAG = "--json_serialized_invocation_args"
# Other jobs may have the cluster's slots for a while, and an image may have to be fetched.
_WORKER_WITHIN_S = 300.0
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
    arguments = list(arguments)
    place = arguments.index(INVOCATION_FLAG) + 1
    invocation = json.loads(arguments[place])
    _each_artifact(invocation, local_path)
    _make_folders(invocation)
    arguments[place] = json.dumps(invocation)
    sys.argv = [_TFX_ENTRY_POINT, *arguments]
    # Nodes of TFX's own read URIs too; only now, as the import takes TensorFlow.
    importlib.import_module("rankbeam.components.remote.files")
    try:
        _check_workers(beam_words(arguments))
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


def _check_workers(words: Sequence[str]) -> None:
    """Run a job of a second where a job service is to start the workers.

    Raises:
        EnvironmentFault: It starts none, or such as differ from this process.
    """
    if "--runner=PortableRunner" not in words:
        return
    given = dict(word.partition("=")[::2] for word in words)
    # One task, for which a busy cluster has a slot the soonest.
    alone = [word for word in words if not word.startswith("--parallelism=")]
    # Late: Beam takes seconds, and most nodes need none.
    probes = importlib.import_module("rankbeam.pipeline.beam.probe")
    engine = f"the Beam engine at {given['--job_endpoint']}"
    probes.probe(engine, [*alone, "--parallelism=1"], None, 1, timeout_s=_WORKER_WITHIN_S)


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
