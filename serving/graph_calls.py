"""Calls of a loaded graph: made at their first use, shared where one is part of another."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from rankbeam.serving.signature import GraphCall
from rankbeam.serving.tensors import Array

_Run: TypeAlias = Callable[..., Sequence[Array]]


class GraphCalls:
    """The calls of one session: what is part of a call that exists needs none of its own.

    Each new call costs 0.2 s of graph optimisation. TensorFlow Serving, too, makes each at its
    first use: what nobody asks for would take cores from those who ask the version before.
    """

    def __init__(self, session: tf.compat.v1.Session) -> None:
        self._session = session
        self._calls: dict[tuple[str, ...], list[_Whole]] = {}

    def call(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> GraphCall:
        """The call that runs the graph on arrays for the tensors `feeds`; it need not be made yet.

        Raises:
            KeyError, ValueError: The graph lacks one of the tensors.
        """
        calls = self._calls.setdefault(feeds, [])
        for whole in calls:
            if {*fetches} <= {*whole.fetches}:
                return whole if fetches == whole.fetches else _Part(whole, fetches)
        for tensor in (*feeds, *fetches):  # one that is missing makes a version that cannot load
            self._session.graph.get_tensor_by_name(tensor)
        whole = _Whole(self._session, feeds, fetches)
        calls.append(whole)
        return whole


class _Whole:
    """A call of its own."""

    def __init__(
        self, session: tf.compat.v1.Session, feeds: tuple[str, ...], fetches: tuple[str, ...]
    ) -> None:
        self.fetches = fetches
        self._feeds = feeds
        self._session = session
        self._run: _Run | None = None
        self._lock = threading.Lock()

    @property
    def is_made(self) -> bool:
        return self._run is not None

    def make(self) -> None:
        self._made()

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        return self._made()(*arrays)

    def _made(self) -> _Run:
        if self._run is None:
            with self._lock:
                if self._run is None:
                    self._run = self._make()
        return self._run

    def _make(self) -> _Run:
        # The public `make_callable` goes through feed_dict, which costs 0.13 ms a call, a fifth of
        # the model's own time; this one is what Keras's graph mode runs on, unchanged since TF 1.8.
        # In the caller's thread: handing operations to a pool costs a tenth on a single core, and
        # requests that come together have a thread each anyway.
        place = config_pb2.RunOptions(inter_op_thread_pool=-1)
        options = config_pb2.CallableOptions(
            feed=self._feeds, fetch=self.fetches, run_options=place
        )
        run: _Run = self._session._make_callable_from_options(options)
        return run


class _Part:
    """Some of another call's fetches."""

    def __init__(self, whole: _Whole, fetches: tuple[str, ...]) -> None:
        self._whole = whole
        self._places = [whole.fetches.index(tensor) for tensor in fetches]

    @property
    def is_made(self) -> bool:
        return self._whole.is_made

    def make(self) -> None:
        self._whole.make()

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        outputs = self._whole(*arrays)
        return [outputs[place] for place in self._places]
