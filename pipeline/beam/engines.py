"""The engine that `rankbeam engine up` started, as a run finds it."""

from rankbeam.pipeline.beam.plan import EngineFound
from rankbeam.pipeline.engines.java import find_java
from rankbeam.pipeline.engines.lifecycle import status
from rankbeam.pipeline.engines.places import EngineKind, Places
from rankbeam.transform.errors import EnvironmentFault


def find_engine(kind: EngineKind, places: Places) -> EngineFound:
    """The engine that is up.

    Raises:
        EnvironmentFault: None is; the message says what to do about it.
    """
    how = status(kind, places)
    if how.state is None or not how.is_up:
        raise EnvironmentFault(
            f"beam.runner {kind} must have an engine that is up; got one that is down: "
            f"{how.fault} ({_remedy(kind)})"
        )
    state = how.state
    return EngineFound(state.endpoint, state.slots, state.task_managers > 0)


def _remedy(kind: EngineKind) -> str:
    elsewhere = f"or set beam.{kind}.job_endpoint"
    try:
        find_java()
    except EnvironmentFault as fault:
        return f"start one with rankbeam engine up {kind}, for which {fault}; {elsewhere}"
    return f"start one with rankbeam engine up {kind}, {elsewhere}"
