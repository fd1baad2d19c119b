"""Decides, for every Beam node of a run, where it runs and what Beam is told."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, get_args

from rankbeam.pipeline.beam.arguments import (
    Arguments,
    Place,
    dataflow_arguments,
    direct_arguments,
    portable_arguments,
)
from rankbeam.pipeline.beam.spec import (
    BeamNode,
    BeamRunner,
    BeamSpec,
    Environment,
    FlinkSpec,
    LoopbackEnvironment,
    NodeBeamSpec,
    ProcessEnvironment,
    SparkSpec,
)
from rankbeam.pipeline.engines.flink_engine import WORKER_KEPT_MS
from rankbeam.pipeline.engines.places import EngineKind
from rankbeam.transform.errors import ConfigError
from rankbeam.transform.specs.base import StrictModel

_Section = TypeVar("_Section", bound=StrictModel)
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})


@dataclass(frozen=True)
class EngineFound:
    """An engine that is up on this machine.

    Attributes:
        endpoint: `host:port` of its job service.
        slots: Tasks that it runs at a time.
        has_task_managers: Whether tasks run in processes of their own.
    """

    endpoint: str
    slots: int
    has_task_managers: bool


@dataclass(frozen=True)
class NodePlan:
    """One node's runner.

    Attributes:
        runner: Which.
        arguments: What Beam is told, `options` included.
        place: Where it is; of Flink and Spark only.
        options: The config's further options.
    """

    runner: BeamRunner
    arguments: Arguments
    place: Place | None
    options: Arguments


@dataclass(frozen=True)
class BeamPlan:
    """All Beam nodes' runners.

    Attributes:
        nodes: By node id.
    """

    nodes: Mapping[str, NodePlan]

    @cached_property
    def places(self) -> dict[EngineKind, Place]:
        """The engines in use."""
        found: dict[EngineKind, Place] = {}
        for node in self.nodes.values():
            if node.place is not None and node.runner in get_args(EngineKind):
                found["flink" if node.runner == "flink" else "spark"] = node.place
        return found

    def arguments_of(self, runner: BeamRunner) -> Arguments:
        """What Beam is told by the first node that runs there."""
        return next(node.arguments for node in self.nodes.values() if node.runner == runner)

    def is_used(self, runner: BeamRunner) -> bool:
        """Whether any node runs there."""
        return any(node.runner == runner for node in self.nodes.values())


def make_plan(
    spec: BeamSpec,
    runner: BeamRunner | None,
    find_engine: Callable[[EngineKind], EngineFound],
    worker_command: Callable[[], str],
) -> BeamPlan:
    """Decide where the nodes run.

    Args:
        spec: The config's section.
        runner: The command line's choice: for this run, all nodes go there.
        find_engine: Finds the engine that is up here, or raises; asked at most once per engine.
        worker_command: Path of the program that starts a worker; asked only where one is needed.

    Raises:
        ConfigError: Something that a runner in use needs is not set.
        EnvironmentFault: `find_engine` finds none.
    """
    places: dict[EngineKind, Place] = {}

    def place_of(kind: EngineKind, section: FlinkSpec | SparkSpec) -> Place:
        if kind not in places:
            places[kind] = _place(kind, section, find_engine, worker_command)
        return places[kind]

    nodes: dict[str, NodePlan] = {}
    for node in get_args(BeamNode):
        own = spec.nodes.get(node, NodeBeamSpec())
        nodes[node] = _node_plan(spec, own, runner or own.runner or spec.runner, place_of)
    return BeamPlan(nodes)


def _node_plan(
    spec: BeamSpec,
    own: NodeBeamSpec,
    runner: BeamRunner,
    place_of: Callable[[EngineKind, FlinkSpec | SparkSpec], Place],
) -> NodePlan:
    options = (*spec.options, *own.options)
    place = None
    if runner == "direct":
        words = direct_arguments(_over(spec.direct, own.direct))
    elif runner == "dataflow":
        if spec.dataflow is None:
            raise ConfigError(
                "beam.dataflow must be set for the runner dataflow (project, region, "
                "temp_location, sdk_container_image); got nothing"
            )
        words = dataflow_arguments(_over(spec.dataflow, own.dataflow))
    else:
        section = (
            _over(spec.flink, own.flink) if runner == "flink" else _over(spec.spark, own.spark)
        )
        place = place_of(runner, section)
        words = portable_arguments(section, place)
    return NodePlan(runner, (*words, *options), place, options)


def _over(section: _Section, own: StrictModel | None) -> _Section:
    """`section` with what `own` sets."""
    return section if own is None else section.model_copy(update=own.model_dump(exclude_unset=True))


def _place(
    kind: EngineKind,
    section: FlinkSpec | SparkSpec,
    find_engine: Callable[[EngineKind], EngineFound],
    worker_command: Callable[[], str],
) -> Place:
    environment, slots, kept_ms = section.environment, None, None
    if section.job_endpoint is None:
        engine = find_engine(kind)
        endpoint, slots = engine.endpoint, engine.slots
        if engine.has_task_managers:
            environment = environment or ProcessEnvironment(kind="process")
            kept_ms = WORKER_KEPT_MS
    else:
        endpoint = section.job_endpoint
    if environment is None or isinstance(environment, LoopbackEnvironment):
        _check_loopback(kind, endpoint, environment)
        environment = LoopbackEnvironment(kind="loopback")
        kept_ms = None  # there is nothing to start
    if isinstance(environment, ProcessEnvironment) and environment.command is None:
        environment = environment.model_copy(update={"command": worker_command()})
    return Place(endpoint, environment, slots, kept_ms)


def _check_loopback(kind: EngineKind, endpoint: str, asked: Environment | None) -> None:
    if is_local(endpoint):
        return
    got = "nothing" if asked is None else "loopback"
    raise ConfigError(
        f"beam.{kind}.environment must say where Python runs (process, external or docker) where "
        f"beam.{kind}.job_endpoint is another machine; got {got} and {endpoint}"
    )


def is_local(endpoint: str) -> bool:
    """Whether `host:port` is on this machine, as far as the name tells."""
    host = endpoint.rpartition(":")[0]
    return host in _LOCAL_HOSTS or host.startswith("127.") or host == socket.gethostname()
