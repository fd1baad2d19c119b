"""A job of a second, run before the others: does a worker start, and has it what a node needs?

A worker that cannot start makes a job wait for ever, and one that runs another Python or sees other
files fails somewhere in the middle. Here both end as one error in time.
"""

import importlib.metadata
import os
import platform
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from rankbeam.pipeline.beam.probe_reason import marked, told
from rankbeam.transform.errors import EnvironmentFault

# What pickled functions and records must agree on.
_LIBRARIES = ("apache-beam", "rankbeam", "tensorflow", "tensorflow-transform", "tfx-bsl")


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _versions() -> tuple[tuple[str, str], ...]:
    have = []
    for library in _LIBRARIES:
        try:
            have.append((library, importlib.metadata.version(library)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(have)


@dataclass(frozen=True)
class Expected:
    """What a worker must have.

    Attributes:
        folder: A folder that it must see; None for none.
        file: Name of a file in it.
        python: Its version, as major.minor.
        versions: Distribution and version, pairs.
    """

    folder: str | None = None
    file: str = ""
    python: str = field(default_factory=_python)
    versions: tuple[tuple[str, str], ...] = field(default_factory=_versions)


def differences(expected: Expected) -> list[str]:
    """Where this process, a worker, differs."""
    found = []
    if expected.python != _python():
        found.append(f"Python must be {expected.python}; got {_python()}")
    have = dict(_versions())
    for library, wanted in expected.versions:
        if have.get(library) != wanted:
            found.append(f"{library} must be {wanted}; got {have.get(library, 'none')}")
    folder = expected.folder
    if folder is not None and not os.path.exists(os.path.join(folder, expected.file)):
        found.append(f"the run's output folder must be seen there; got no {folder}")
    return found


def look(expected: Expected) -> None:
    """Raise where a worker differs; runs in the worker.

    Raises:
        RuntimeError: It does; `told` finds the text again in what the engine makes of it.
    """
    found = differences(expected)
    if found:
        raise RuntimeError(marked("; ".join(found)))


def probe(
    name: str,
    arguments: Sequence[str],
    folder: str | None,
    tasks: int,
    timeout_s: float,
) -> None:
    """Run the job.

    Args:
        name: What the engine is called in errors.
        arguments: What Beam is told.
        folder: Existing folder that workers must see; None for none.
        tasks: As many elements, spread over the workers.
        timeout_s: Time for the job to end.

    Raises:
        EnvironmentFault: It does not end well in time.
    """
    if folder is None:
        _run(name, list(arguments), [Expected()] * max(1, tasks), timeout_s)
        return
    file = f".beam-probe-{os.getpid()}"
    path = os.path.join(folder, file)
    with open(path, "wb"):
        pass
    try:
        _run(name, list(arguments), [Expected(folder, file)] * max(1, tasks), timeout_s)
    finally:
        os.unlink(path)


def start_job(arguments: Sequence[str], elements: Sequence[Expected]) -> Any:
    """Start the job, of a task for each of `elements`; returns Beam's result of it."""
    pipeline = beam.Pipeline(options=PipelineOptions(list(arguments)))
    _ = pipeline | beam.Create(list(elements)) | beam.Reshuffle() | "Look" >> beam.Map(look)
    return pipeline.run()


class _Job:
    """A job in a thread that nobody has to wait for: submitting may hang as running may."""

    def __init__(self, arguments: list[str], elements: list[Expected]) -> None:
        self.error: Exception | None = None
        self.ended = threading.Event()
        self._arguments = arguments
        self._elements = elements
        self._result: Any = None
        threading.Thread(target=self._run, name="beam-probe", daemon=True).start()

    def cancel(self) -> None:
        """Take the job off the engine, where it got there."""
        if self._result is not None:
            canceller = threading.Thread(target=self._cancel, daemon=True)
            canceller.start()
            canceller.join(timeout=5.0)

    def _cancel(self) -> None:
        try:
            self._result.cancel()
        except Exception as error:  # the engine may be gone, which is told already
            self.error = error

    def _run(self) -> None:
        try:
            self._result = start_job(self._arguments, self._elements)
            self._result.wait_until_finish()
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()


def _run(name: str, arguments: list[str], elements: list[Expected], timeout_s: float) -> None:
    job = _Job(arguments, elements)
    begin = time.monotonic()
    if not job.ended.wait(timeout_s):
        job.cancel()
        raise EnvironmentFault(
            f"{name} must start a Python worker within {timeout_s:g} s; got none (look at its log "
            "and the worker's: is the worker's python the run's, can it import apache_beam and "
            "rankbeam, has each task manager a worker pool of its own, is a slot free?)"
        )
    if job.error is not None:
        seconds = time.monotonic() - begin
        raise EnvironmentFault(
            f"{name} must run a Python worker like this process; after {seconds:.0f} s got "
            f"{told(str(job.error))}"
        ) from job.error
