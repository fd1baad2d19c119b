"""Dynamic batching: requests that wait for the same signature run as one call of the graph.

As in TensorFlow Serving, a batch starts when a thread is free and either enough rows wait or the
oldest request has waited long enough. Two things are kinder here: requests whose inner dimensions
differ go into batches of their own instead of failing together, and where a batch fails its
requests are run one by one, so that a bad one does not spoil the others. On a single core, batches
that are known to be short run in the event loop, as `dispatch` does it with requests alone.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeAlias

from rankbeam.serving import status
from rankbeam.serving.cores import has_one_core
from rankbeam.serving.engine import batch
from rankbeam.serving.engine.batch import Arrays
from rankbeam.serving.engine.call_times import CallTimes
from rankbeam.serving.engine.held import run_held
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.servable import Servable
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.signature import Signature
from rankbeam.serving.tensors import Array

Outputs: TypeAlias = dict[str, Array]
_Outcome: TypeAlias = Outputs | Exception


@dataclass(slots=True, eq=False)
class _Task:
    """One request, or a piece of one, that waits."""

    arrays: Arrays
    size: int
    deadline: float | None
    arrived: float
    answer: asyncio.Future[Outputs]


@dataclass(slots=True, eq=False)
class _Queue:
    """What waits for one signature of one version."""

    servable: Servable
    signature: Signature
    tasks: deque[_Task] = field(default_factory=deque)
    rows: int = 0

    def take(self, limit: int) -> list[_Task]:
        taken: list[_Task] = []
        room = limit
        while self.tasks and (not taken or self.tasks[0].size <= room):
            task = self.tasks.popleft()
            self.rows -= task.size
            room -= task.size
            taken.append(task)
        return taken


class Batcher:
    """Gathers calls into batches; all methods belong to one event loop.

    Args:
        settings: TensorFlow Serving's batching parameters.
        executor: runs the batches; it needs `settings.num_batch_threads` threads.
        metrics: counts batches and waiting times.
        one_core: whether this process has one core alone; by default as it is.
    """

    def __init__(
        self,
        settings: BatchingSettings,
        executor: Executor,
        metrics: Metrics,
        *,
        one_core: bool | None = None,
    ) -> None:
        self._settings = settings
        self._executor = executor
        self._metrics = metrics
        self._one_core = has_one_core() if one_core is None else one_core
        self._times = CallTimes()
        self._limit = settings.execution_batch_size
        self._timeout_s = settings.batch_timeout_micros / 1e6
        self._queues: dict[tuple[object, ...], _Queue] = {}
        self._busy = 0
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None

    async def call(
        self, servable: Servable, signature: Signature, arrays: Arrays, deadline: float | None
    ) -> Outputs | None:
        """Runs a signature as part of a batch; None where there is nothing to batch.

        That is where an input has no first dimension, or it is 0.

        Raises:
            status.Refusal: INVALID_ARGUMENT for more rows than a batch holds or unequal first
                dimensions, UNAVAILABLE where too many wait, DEADLINE_EXCEEDED, or what the model
                itself says.
        """
        size = batch.batch_size(arrays)
        if not size:
            return None
        settings = self._settings
        if size > settings.max_batch_size:
            raise status.invalid_argument(
                f"Task size {size} is larger than maximum input batch size "
                f"{settings.max_batch_size}"
            )
        queue = self._queue(servable, signature, arrays)
        pieces = [arrays] if size <= self._limit else self._pieces(queue, arrays)
        self._check_room(queue, size)
        answers = [self._add(queue, piece, deadline) for piece in pieces]
        self._schedule()
        if len(answers) == 1:
            return await answers[0]
        parts = await asyncio.gather(*answers)
        return batch.join(parts, 0, pad_inner=False)

    def _queue(self, servable: Servable, signature: Signature, arrays: Arrays) -> _Queue:
        padded = self._settings.pad_variable_length_inputs
        inner = batch.trailing_ranks(arrays) if padded else batch.trailing_shapes(arrays)
        key = (id(servable), signature.name, inner)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(servable, signature)
        return queue

    def _pieces(self, queue: _Queue, arrays: Arrays) -> list[dict[str, Array]]:
        """A large request cut so that its first piece fills the batch that is waiting."""
        room = self._limit - queue.rows % self._limit
        return batch.cut(arrays, room, self._limit)

    def _check_room(self, queue: _Queue, size: int) -> None:
        waiting = math.ceil((queue.rows + size) / self._limit)
        if waiting > self._settings.max_enqueued_batches:
            raise status.unavailable(
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{waiting - 1} batches enqueued and max_enqueued_batches is "
                f"{self._settings.max_enqueued_batches}"
            )

    def _add(
        self, queue: _Queue, arrays: Arrays, deadline: float | None
    ) -> asyncio.Future[Outputs]:
        answer: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        size = len(next(iter(arrays.values())))
        queue.tasks.append(_Task(arrays, size, deadline, time.monotonic(), answer))
        queue.rows += size
        return answer

    def _schedule(self) -> None:
        """Looks for a batch once all requests that have arrived by now are queued."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._scheduled = False
        now = time.monotonic()
        while self._busy < self._settings.num_batch_threads:
            queue = self._ready(now)
            if queue is None or self._ran_here(queue, now):
                break
        self._queues = {key: queue for key, queue in self._queues.items() if queue.tasks}
        self._set_timer(now)

    def _ready(self, now: float) -> _Queue | None:
        """The queue whose oldest request waits longest among those that may start."""
        ready = [
            queue
            for queue in self._queues.values()
            if queue.tasks
            and (
                queue.rows >= self._limit or now - queue.tasks[0].arrived >= self._timeout_s - 1e-6
            )
        ]
        return min(ready, key=lambda queue: queue.tasks[0].arrived, default=None)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Where no thread is free, the end of a batch is the next moment to look.
        if self._queues and self._busy < self._settings.num_batch_threads:
            oldest = min(queue.tasks[0].arrived for queue in self._queues.values())
            wait = max(0.0, oldest + self._timeout_s - now)
            self._timer = asyncio.get_running_loop().call_later(wait, self._dispatch)

    def _ran_here(self, queue: _Queue, now: float) -> bool:
        """Starts a batch of what waits; whether it has been run in the loop already."""
        tasks = [task for task in queue.take(self._limit) if self._still_wanted(task, now)]
        if not tasks:
            return False
        size = sum(task.size for task in tasks)
        self._metrics.observe_batch(
            model=queue.servable.name,
            signature=queue.signature.name,
            size=size,
            waited=[now - task.arrived for task in tasks],
        )
        run, batch_ = self._run, (queue.servable, queue.signature, [t.arrays for t in tasks])
        if self._one_core and self._times.is_short(queue.servable, queue.signature, size):
            outcomes = self._run_here(*batch_)
            if outcomes is not None:
                _answer(tasks, outcomes)
                self._schedule()  # the next batch comes after what the loop has to do
                return True
            run = self._one_by_one
        self._busy += 1
        running = run_held(queue.servable, self._executor, run, *batch_)
        running.add_done_callback(lambda done: self._finish(tasks, done))
        return False

    def _still_wanted(self, task: _Task, now: float) -> bool:
        if task.answer.done():  # the caller hung up
            return False
        if task.deadline is not None and now > task.deadline:
            task.answer.set_exception(status.deadline_exceeded())
            return False
        return True

    def _finish(self, tasks: Sequence[_Task], done: asyncio.Future[list[_Outcome]]) -> None:
        self._busy -= 1
        outcomes: Sequence[_Outcome]
        try:
            outcomes = done.result()
        except Exception as error:
            outcomes = [status.as_refusal(error)] * len(tasks)
        _answer(tasks, outcomes)
        self._dispatch()

    def _run_here(
        self, servable: Servable, signature: Signature, requests: Sequence[Arrays]
    ) -> list[_Outcome] | None:
        """One batch in the loop; None where its requests must be run one by one, elsewhere."""
        try:
            return self._in_time(servable, signature, requests)
        except status.Refusal as refusal:
            return [refusal] if len(requests) == 1 else None
        except Exception as error:  # nobody else would answer those who wait
            return [status.as_refusal(error)] * len(requests)

    def _run(
        self, servable: Servable, signature: Signature, requests: Sequence[Arrays]
    ) -> list[_Outcome]:
        """One batch, in a thread of the executor."""
        try:
            return self._in_time(servable, signature, requests)
        except status.Refusal as refusal:
            if len(requests) == 1:
                return [refusal]
        return self._one_by_one(servable, signature, requests)

    def _in_time(
        self, servable: Servable, signature: Signature, requests: Sequence[Arrays]
    ) -> list[_Outcome]:
        size = sum(len(next(iter(request.values()))) for request in requests)
        with self._times.learn(servable, signature, size):
            return list(self._together(signature, requests))

    def _one_by_one(
        self, servable: Servable, signature: Signature, requests: Sequence[Arrays]
    ) -> list[_Outcome]:
        return [self._alone(signature, request) for request in requests]

    def _together(self, signature: Signature, requests: Sequence[Arrays]) -> list[Outputs]:
        sizes = [len(next(iter(request.values()))) for request in requests]
        size = batch.padded_size(sum(sizes), self._settings.allowed_batch_sizes)
        joined = batch.join(requests, size, pad_inner=self._settings.pad_variable_length_inputs)
        return batch.split(signature.call(joined), sizes, size)

    def _alone(self, signature: Signature, request: Arrays) -> _Outcome:
        try:
            return self._together(signature, [request])[0]
        except status.Refusal as refusal:
            return refusal


def _answer(tasks: Sequence[_Task], outcomes: Sequence[_Outcome]) -> None:
    for task, outcome in zip(tasks, outcomes, strict=True):
        if task.answer.done():
            continue
        if isinstance(outcome, Exception):
            task.answer.set_exception(outcome)
        else:
            task.answer.set_result(outcome)
