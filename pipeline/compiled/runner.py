"""Runs the tasks of a compiled pipeline here, one after another, each as a process."""

import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from rankbeam.pipeline.compiled import importing, inputs, outputs, placeholders, process
from rankbeam.pipeline.compiled.artifacts import reported
from rankbeam.pipeline.compiled.cache import ResultCache
from rankbeam.pipeline.compiled.failure import deliberate, last_words
from rankbeam.pipeline.compiled.order import in_order
from rankbeam.pipeline.compiled.spec import CompiledPipeline
from rankbeam.pipeline.compiled.state import Made, RunState
from rankbeam.pipeline.runners.observer import NodeResult, NodeState, Observer
from rankbeam.pipeline.runs.unforeseen import readable
from rankbeam.transform.errors import ConfigError, EnvironmentFault, RankbeamError


class CompiledRunner:
    """A runner of compiled pipelines.

    Args:
        observer: Is told of every task.
        logs: Folder that gets `<task>.log`, with all attempts.
        cache: Results of earlier runs.
        say: Prints a line, where a task is tried again.
    """

    def __init__(
        self, observer: Observer, logs: Path, cache: ResultCache, say: Callable[[str], None]
    ) -> None:
        self._observer = observer
        self._logs = logs
        self._cache = cache
        self._say = say

    def run(self, compiled: CompiledPipeline, state: RunState) -> None:
        """Run all tasks, each after those that it depends on.

        Raises:
            RankbeamError: A task has failed; what it said on purpose, where it did, in its kind.
        """
        order = in_order(compiled.tasks)
        for task in order:
            check_startable(compiled, task)
        for task in order:
            self._run_task(compiled, task, state)

    def _run_task(self, compiled: CompiledPipeline, task: str, state: RunState) -> None:
        self._observer.started(task)
        begin = time.monotonic()
        ending: NodeState = "failed"
        made = Made()
        try:
            ending, made = self._made(compiled, task, state)
            state.made[task] = made
        finally:
            seconds = time.monotonic() - begin
            self._observer.ended(NodeResult(task, task, ending, seconds, reported(made)))

    def _made(
        self, compiled: CompiledPipeline, task: str, state: RunState
    ) -> tuple[NodeState, Made]:
        spec, component, executor = (
            compiled.tasks[task],
            compiled.component(task),
            compiled.executor(task),
        )
        executor_input = inputs.resolved(task, spec, component, state)
        if executor.WhichOneof("spec") == "importer":
            made = importing.imported(task, component, executor.importer, executor_input, state)
            return "done", made
        key = None
        if spec.caching_options.enable_cache:
            key = self._cache.key(component, executor.container, executor_input.inputs)
            found = self._cache.get(key)
            if found is not None:
                return "cached", found
        outputs.provision(task, component, state, executor_input)
        self._attempts(compiled, task, executor_input, state)
        made = outputs.collect(task, component, executor_input, state)
        if key is not None:
            self._keep(key, made)
        return "done", made

    def _keep(self, key: str, made: Made) -> None:
        try:
            self._cache.put(key, made)
        except OSError as error:
            raise EnvironmentFault(f"output folder must be writable; got {error}") from None

    def _attempts(
        self, compiled: CompiledPipeline, task: str, executor_input: Any, state: RunState
    ) -> None:
        """Run a task's command until it ends well, as often as its retry policy allows."""
        policy, component = compiled.tasks[task].retry_policy, compiled.component(task)
        container = compiled.executor(task).container
        log = self._logs / f"{task}.log"
        for attempt in range(policy.max_retry_count + 1):
            outputs.clear(task, component, state)
            with ExitStack() as cleaning:
                # What a failed task has half written is no artifact.
                cleaning.callback(outputs.remove, task, state)
                error = self._attempt(task, container, executor_input, log)
                if error is None:
                    cleaning.pop_all()
                    return
            if attempt == policy.max_retry_count:
                raise error
            wait = backoff_s(policy, attempt)
            first = str(error).partition("\n")[0]
            self._say(
                f"      {task}: attempt {attempt + 1} of {policy.max_retry_count + 1} failed: "
                f"{first}; again in {wait:g} s"
            )
            time.sleep(wait)

    def _attempt(
        self, task: str, container: Any, executor_input: Any, log: Path
    ) -> RankbeamError | None:
        """Run the command once; returns why it failed, None where it ended well."""
        words = placeholders.fill([*container.command, *container.args], executor_input)
        variables = process.environment({each.name: each.value for each in container.env})
        try:
            with log.open("ab") as stream:
                begin = stream.seek(0, os.SEEK_END)
                code = process.run(process.here(words), variables, stream)
        except OSError as error:
            raise EnvironmentFault(f"log must be writable; got {log}: {error.strerror}") from None
        if code == 0:
            return None
        with log.open("rb") as stream:
            return _failure(task, code, _printed(stream, begin), self._logs)


def backoff_s(policy: Any, attempt: int) -> float:
    """Seconds to wait after attempt number `attempt` (from 0) has failed, by a `RetryPolicy`."""
    first = policy.backoff_duration.ToTimedelta().total_seconds()
    longest = policy.backoff_max_duration.ToTimedelta().total_seconds() or math.inf
    return float(min(first * (policy.backoff_factor or 1.0) ** attempt, longest))


def check_startable(compiled: CompiledPipeline, task: str) -> None:
    """Refuse a task that could not be started, before any other has run.

    Raises:
        ConfigError: It has no command, and what its image would do is not known here; or its pod
            would get something that cannot be given here.
        EnvironmentFault: A secret or volume that its pod would get is not here: no such variable in
            this process's environment, or nothing at the path.
    """
    executor = compiled.executor(task)
    if executor.WhichOneof("spec") == "container" and not executor.container.command:
        raise ConfigError(f"task {task} must have a command; got only an image's own")
    added = compiled.added(task)
    if added.others:
        raise ConfigError(
            f"task {task} must need of Kubernetes no more than secrets and claims to run here; got "
            f"{added.others[0]}"
        )
    for name, may_miss in added.variables.items():
        if name not in os.environ and not may_miss:
            raise EnvironmentFault(
                f"environment must hold {name}, which task {task} gets from a secret on a "
                f"cluster; it is not set"
            )
    for path, what in added.mounts.items():
        if not os.path.exists(path):
            raise EnvironmentFault(
                f"{path} must exist here, where task {task} has the {what} on a cluster; it does "
                f"not"
            )


def _failure(task: str, code: int, printed: str, folder: Path) -> RankbeamError:
    """Why a command failed: what it said on purpose, a fault of the machine, or its last words."""
    told = deliberate(printed, code)
    if told is not None:
        return told
    words = last_words(printed)
    fault = readable(Exception(words), folder)
    if isinstance(fault, EnvironmentFault):
        return fault
    if code == -signal.SIGKILL:
        return EnvironmentFault(
            f"machine must have memory enough; got task {task} killed, as Linux kills what needs "
            f"too much: {words}"
        )
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return RankbeamError(f"task {task} must end with exit code 0; got {how}: {words}")


def _printed(stream: IO[bytes], begin: int) -> str:
    stream.seek(begin)
    return stream.read().decode("utf-8", errors="replace")
