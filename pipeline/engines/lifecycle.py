"""Up, down and status of an engine."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rankbeam.pipeline.engines import health
from rankbeam.pipeline.engines.flink_engine import VERSION as FLINK_VERSION
from rankbeam.pipeline.engines.flink_engine import plan_flink
from rankbeam.pipeline.engines.jars import fetch_jars
from rankbeam.pipeline.engines.java import find_java
from rankbeam.pipeline.engines.members import Planned, temporary
from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.pipeline.engines.places import EngineKind, Places
from rankbeam.pipeline.engines.processes import end_marked, is_marked, marked, start_marked
from rankbeam.pipeline.engines.spark_engine import VERSION as SPARK_VERSION
from rankbeam.pipeline.engines.spark_engine import plan_spark
from rankbeam.pipeline.engines.state import (
    EngineState,
    Member,
    forget_state,
    read_state,
    write_state,
)
from rankbeam.transform.errors import EnvironmentFault

VERSIONS: dict[EngineKind, str] = {"flink": FLINK_VERSION, "spark": SPARK_VERSION}

_POLL_S = 0.2
_ANSWER_TIMEOUT_S = 5.0
_GRACE_S = 10.0
_TAIL_LINES = 12


@dataclass(frozen=True)
class Status:
    """How an engine is.

    Attributes:
        state: What was started; None where nothing is known.
        fault: Why it cannot be used; None where it is up.
        processes: Its living processes, Python workers included.
    """

    state: EngineState | None
    fault: str | None
    processes: int

    @property
    def is_up(self) -> bool:
        """Whether runs can use it."""
        return self.fault is None


def bring_up(
    kind: EngineKind, options: EngineOptions, places: Places, say: Callable[[str], None]
) -> EngineState:
    """Start an engine and wait until it answers; one that is up as asked stays as it is.

    What is left of an engine that crashed is ended first. A start that fails ends all it started.

    Args:
        kind: Which engine.
        options: How it is started.
        places: The user's folders.
        say: Is told what takes long.

    Raises:
        ConfigError: An option does not fit the engine.
        EnvironmentFault: Java, Maven or a port is missing, another one is up, or it does not
            answer in time.
    """
    folder = places.engine(kind)
    found = status(kind, places)
    if found.is_up and found.state is not None:
        return _same(found.state, options)
    java = find_java()
    planned = _plan(kind, options, java, fetch_jars(kind, places, say), folder)
    bring_down(kind, places)
    _check_ports(options)
    state = EngineState(
        kind=kind,
        version=VERSIONS[kind],
        port=options.port,
        slots=options.slots * max(1, options.task_managers),
        task_managers=options.task_managers,
        started_at=time.time(),
        web_port=options.rest_port if options.task_managers else None,
        options=options,
    )
    try:
        state = _start(state, planned, folder)
        _await_answer(state, folder, options.timeout_s)
        state = replace(state, ready=True)
        write_state(folder, state)
    except BaseException:
        bring_down(kind, places)
        raise
    return state


def bring_down(kind: EngineKind, places: Places) -> int:
    """End all processes of an engine, those of a crashed one too; returns how many."""
    folder = places.engine(kind)
    ended = end_marked(str(folder), _GRACE_S)
    shutil.rmtree(temporary(folder), ignore_errors=True)
    forget_state(folder)
    return ended


def status(kind: EngineKind, places: Places) -> Status:
    """How an engine is, asked of the engine itself."""
    folder = places.engine(kind)
    state, processes = read_state(folder), len(marked(str(folder)))
    if state is None:
        lost = "not started" if not processes else "its state is lost, its processes run"
        return Status(None, lost, processes)
    gone = [m.name for m in state.members if not is_marked(m.pid, str(folder))]
    fault = _fault(state, gone)
    return Status(state, fault, processes)


def _fault(state: EngineState, gone: Sequence[str]) -> str | None:
    lost = [name for name in gone if not name.startswith("task-manager")]
    if lost or (gone and len(gone) >= state.task_managers):
        return f"{', '.join(lost or gone)} ended"
    if not state.ready:
        return "not ready yet"
    fault = health.job_service_fault(state.endpoint, _ANSWER_TIMEOUT_S)
    return None if fault is None else f"{state.endpoint}: {fault}"


def _plan(
    kind: EngineKind, options: EngineOptions, java: str, jars: Path, folder: Path
) -> list[Planned]:
    if kind == "spark":
        return plan_spark(java, jars, folder, options)
    try:
        return plan_flink(java, jars, folder, options)
    except OSError as error:
        raise EnvironmentFault(
            f"the state folder must be writable; got {folder}: {error.strerror}"
        ) from None


def _same(state: EngineState, options: EngineOptions) -> EngineState:
    remedy = f"rankbeam engine down {state.kind}, then up again"
    if state.options is None:
        raise EnvironmentFault(
            f"{state.kind} must be one whose options are known; got the one at {state.endpoint}, "
            f"which a version of Rankbeam started that did not note them ({remedy})"
        )
    has = state.options.by_flag()
    other = [
        f"{flag} {value} (it runs with {has[flag]})"
        for flag, value in options.by_flag().items()
        if value != has[flag]
    ]
    if other:
        raise EnvironmentFault(
            f"{state.kind} must be down to be started otherwise than the one at {state.endpoint}; "
            f"got {', '.join(other)} ({remedy})"
        )
    return state


def _check_ports(options: EngineOptions) -> None:
    ports = {"--port": options.port}
    if options.task_managers:
        ports["--web-port"] = options.rest_port
    for flag, port in ports.items():
        if not health.is_free(port):
            raise EnvironmentFault(f"{flag} must be a free port; got {port}, which is taken")


def _start(state: EngineState, planned: Sequence[Planned], folder: Path) -> EngineState:
    try:
        write_state(folder, state)
        temporary(folder).mkdir(exist_ok=True)
        for process in planned:
            log = folder / f"{process.name}.log"
            log.unlink(missing_ok=True)
            pid = start_marked(process.command, str(folder), log, process.environment)
            state = state.with_member(Member(process.name, pid, str(log)))
            write_state(folder, state)
    except OSError as error:
        raise EnvironmentFault(
            f"{state.kind} must be startable; got {error.strerror}: {error.filename}"
        ) from None
    return state


def _await_answer(state: EngineState, folder: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        for member in state.members:
            if not is_marked(member.pid, str(folder)):
                raise EnvironmentFault(
                    f"{state.kind}'s {member.name} must stay up; it ended:\n{_tail(member)}"
                )
        missing = _missing(state)
        if missing is None:
            return
        if time.monotonic() >= deadline:
            raise EnvironmentFault(
                f"{state.kind} must answer within {timeout_s:g} s; got {missing}:\n"
                f"{_tail(state.members[-1])}"
            )
        time.sleep(_POLL_S)


def _missing(state: EngineState) -> str | None:
    if state.web_port is not None:
        registered = health.task_managers(state.web_port, _ANSWER_TIMEOUT_S) or 0
        if registered < state.task_managers:
            return f"{registered} of {state.task_managers} task managers"
    fault = health.job_service_fault(state.endpoint, _ANSWER_TIMEOUT_S)
    return None if fault is None else f"{state.endpoint}: {fault}"


def _tail(member: Member) -> str:
    try:
        lines = Path(member.log).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    # Deep stacks of Java's are for the log; what is wrong stands in the other lines.
    told = [line for line in lines if not line.startswith("\tat ")][-_TAIL_LINES:]
    return "\n".join([*told, f"full log: {member.log}"])
