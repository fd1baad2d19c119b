"""Running a version's graph in a thread that keeps the version in memory until it is done."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from rankbeam.serving.servable import Servable

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def run_held(
    servable: Servable,
    executor: Executor,
    work: Callable[_Arguments, _Result],
    *args: _Arguments.args,
    **kwargs: _Arguments.kwargs,
) -> asyncio.Future[_Result]:
    """Starts `work`; the caller, who holds the servable now, may be cancelled before it ends.

    A caller that is gone lets go of the version while the graph still runs: without a hold of its
    own, the graph would lose its session in the middle.
    """
    servable.hold()
    try:
        running = executor.submit(work, *args, **kwargs)
    except BaseException:
        servable.release()
        raise
    running.add_done_callback(lambda _: servable.release())  # also where it never started
    return asyncio.wrap_future(running)
