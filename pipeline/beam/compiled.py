"""The plan of a pipeline that is compiled here and runs elsewhere, held to what can be told now."""

from dataclasses import replace
from typing import NoReturn

from rankbeam.pipeline.beam.arguments import WORKER_START_FLAG, Place, waits_for_workers
from rankbeam.pipeline.beam.known_options import check_options
from rankbeam.pipeline.beam.plan import BeamPlan, NodePlan, is_local, make_plan
from rankbeam.pipeline.beam.spec import BeamRunner, BeamSpec, ProcessEnvironment
from rankbeam.pipeline.engines.places import EngineKind
from rankbeam.transform.errors import ConfigError

_NO_COMMAND = ""


def compiled_plan(
    spec: BeamSpec, runner: BeamRunner | None = None, pipeline_root: str | None = None
) -> BeamPlan:
    """Decide where the nodes run, without a look at anything: it is not here.

    Args:
        spec: The config's section.
        runner: The command line's choice, where it made one: all nodes go there.
        pipeline_root: Where the pipeline's artifacts go; None for the cluster's own place.

    Raises:
        ConfigError: Something is left to be found on this machine or means the container that asks
            for it, workers could not read the artifacts, or an option is not known.
    """
    plan = make_plan(spec, runner, _no_engine, lambda: _NO_COMMAND)
    for kind, place in plan.places.items():
        artifact_endpoint = (spec.flink if kind == "flink" else spec.spark).artifact_endpoint
        _check_place(kind, place, artifact_endpoint)
    for node in plan.nodes.values():
        if node.runner != "direct":
            check_root(node.runner, pipeline_root, "kubeflow.pipeline_root")
        # What a job service knows beside is not known here.
        if node.place is None:
            check_options(node.options)
    return BeamPlan({name: _told(node, spec) for name, node in plan.nodes.items()})


def _told(node: NodePlan, spec: BeamSpec) -> NodePlan:
    """A node that is told how long its entry point waits for a worker, where any must start."""
    if not waits_for_workers(node.arguments):
        return node
    word = f"{WORKER_START_FLAG}={spec.worker_start_timeout_s}"
    return replace(node, arguments=(*node.arguments, word))


def check_root(runner: str, root: str | None, field: str) -> None:
    """Hold the place of the artifacts to what workers on other machines can read.

    Args:
        runner: Where a Beam stage runs; not here.
        root: Where the pipeline's artifacts go; None for the cluster's own place.
        field: What the user calls the root.

    Raises:
        ConfigError: Workers could not read it.
    """
    # Of other roots Kubeflow's launcher makes copies in the node's own container, and the node
    # hands their paths to Beam (see pipeline/kubeflow/entry.py).
    if root is None or not root.startswith("gs://"):
        raise ConfigError(
            f"{field} must start with gs:// for the runner {runner}, whose workers read artifacts "
            f"where they are; got {root or 'nothing'}"
        )


def _no_engine(kind: EngineKind) -> NoReturn:
    raise ConfigError(
        f"beam.{kind}.job_endpoint must be set for a compiled pipeline; got nothing, which means "
        "the engine that is up on this machine"
    )


def _check_place(kind: EngineKind, place: Place, artifact_endpoint: str | None) -> None:
    for field, endpoint in (
        ("job_endpoint", place.endpoint),
        ("artifact_endpoint", artifact_endpoint),
    ):
        if endpoint is not None and is_local(endpoint):
            raise ConfigError(
                f"beam.{kind}.{field} must be a host that the cluster knows for a compiled "
                f"pipeline, whose nodes run in containers; got {endpoint}"
            )
    environment = place.environment
    if isinstance(environment, ProcessEnvironment) and environment.command == _NO_COMMAND:
        raise ConfigError(
            f"beam.{kind}.environment.command must be set for a compiled pipeline; got nothing, "
            "which means this machine's Python"
        )
