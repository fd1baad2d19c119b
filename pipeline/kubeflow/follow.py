"""Follows a run on Kubeflow to its end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rankbeam.pipeline.compiled.failure import deliberate
from rankbeam.pipeline.kubeflow.backend import Backend
from rankbeam.pipeline.kubeflow.faults import Unavailable
from rankbeam.transform.errors import EnvironmentFault, GateError, RankbeamError

_ENDED = frozenset({"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"})
# Nodes that fail because a gate says so, unless something else is known.
_GATES = ("DataGate", "Pusher")


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how.

    Attributes:
        timeout_s: Longest wait for the run's end; None waits for ever.
        poll_s: Time between two looks.
        outage_s: Longest time for which the server may be away before that ends the wait.
    """

    timeout_s: float | None = None
    poll_s: float = 5.0
    outage_s: float = 300.0


class RunFollower:
    """Prints what changes in a run until it has ended.

    Args:
        backend: The API server.
        run_id: The run.
        tasks: Names of the pipeline's tasks; a cluster's own helpers are not shown.
        say: Prints a line.
        patience: How long to wait.
    """

    def __init__(
        self,
        backend: Backend,
        run_id: str,
        tasks: tuple[str, ...],
        say: Callable[[str], None],
        patience: Patience,
    ) -> None:
        self._backend = backend
        self._run_id = run_id
        self._names = {_key(task): task for task in tasks}
        self._say = say
        self._patience = patience
        self._shown: dict[str, str] = {}

    def to_the_end(self) -> None:
        """Wait for the run's end.

        Raises:
            GateError: A gate stopped the run, as far as its logs and its failed task tell.
            EnvironmentFault: It failed otherwise, was cancelled, or did not end in time.
            RankbeamError: What a failed task's log says.
        """
        state = "PENDING"
        for run in self._looks():
            state = str(run.state or state)
            self._show("run", state)
            for name, task_state in self._task_states(run):
                self._show(name, task_state)
            if state in _ENDED:
                break
        if state not in {"SUCCEEDED", "SKIPPED"}:
            raise self._ending(run, state)

    def _looks(self) -> Iterator[Any]:
        """The run, again and again; a server that is away for a while is asked again."""
        patience = self._patience
        begin = answered = time.monotonic()
        while True:
            try:
                run = self._backend.run(self._run_id)
            except Unavailable as error:
                if time.monotonic() - answered >= patience.outage_s:
                    raise
                self._show("server", f"away: {error}")
            else:
                answered = time.monotonic()
                self._shown.pop("server", None)
                yield run
            waited = time.monotonic() - begin
            if patience.timeout_s is not None and waited >= patience.timeout_s:
                raise EnvironmentFault(
                    f"run must end within --timeout-s; got {self._shown.get('run', 'no answer')} "
                    f"after {waited:.0f} s; it goes on"
                )
            time.sleep(patience.poll_s)

    def _show(self, name: str, state: str) -> None:
        if self._shown.get(name) != state:
            self._shown[name] = state
            self._say(f"  {name:<17} {state}")

    def _task_states(self, run: Any) -> Iterator[tuple[str, str]]:
        for task in _details(run):
            name = self._name(task)
            if name is not None and task.state:
                yield name, str(task.state)

    def _name(self, task: Any) -> str | None:
        """The pipeline's name of a task; None for the cluster's own, which may have none at all."""
        return self._names.get(_key(task.display_name or ""))

    def _ending(self, run: Any, state: str) -> RankbeamError:
        """Why the run did not succeed."""
        if state == "CANCELED":
            return EnvironmentFault("run must not be cancelled; got CANCELED")
        failed = [task for task in _details(run) if str(task.state) == "FAILED"]
        texts = [task.error.message for task in failed if task.error and task.error.message]
        if run.error is not None and run.error.message:
            texts.append(run.error.message)
        texts = [self._backend.redact(text) for text in texts]
        for text in (*texts, *self._logs(failed)):
            told = deliberate(text)
            if told is not None:
                return told
        names = [name for name in map(self._name, failed) if name is not None]
        at = f" at {', '.join(dict.fromkeys(names))}" if names else ""
        said = f": {texts[0]}" if texts else ""
        if any(name in _GATES for name in names):
            return GateError(f"run must pass its gates; got FAILED{at}{said}; its log says why")
        return EnvironmentFault(f"run must succeed; got {state}{at}{said}; its log says why")

    def _logs(self, failed: list[Any]) -> Iterator[str]:
        """What the pods of failed tasks printed, where the server gives it."""
        pods = dict.fromkeys(
            pod
            for task in failed
            for pod in (task.pod_name, *(child.pod_name for child in task.child_tasks or ()))
            if pod
        )
        for pod in pods:
            try:
                yield self._backend.redact(self._backend.log(self._run_id, pod))
            except RankbeamError:
                continue  # kept elsewhere, or not at all: the task's name has to do


def _details(run: Any) -> list[Any]:
    details = run.run_details
    return list(details.task_details or ()) if details is not None else []


def _key(name: str) -> str:
    """Argo's names are lower case, with other marks."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
