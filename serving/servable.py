"""One loaded version of a model, loaded as TensorFlow Serving does: a session on the serving graph.

A session runs a signature in 0.6 of the time that the function of `tf.saved_model.load` takes for
100 examples, and its SignatureDefs are the ones that TensorFlow Serving answers from.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2

from rankbeam.serving import content, exported, status, versions
from rankbeam.serving.cores import has_one_core
from rankbeam.serving.signature import RunGraph, Signature, not_found, signature_specs
from rankbeam.serving.tensors import Array
from rankbeam.transform.errors import DataError

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
# TensorFlow 2 lists its initialisation among the signatures; it cannot be called.
_INIT_SIGNATURE = "__saved_model_init_op"


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """TensorFlow's thread pools; 0 leaves the choice to TensorFlow.

    Attributes:
        inter_op_threads: operations that run at the same time.
        intra_op_threads: threads that share one operation.
    """

    inter_op_threads: int = 0
    intra_op_threads: int = 0


class Servable:
    """A version in memory. Who uses it holds it: it is closed once retired and in nobody's hands.

    Attributes:
        name: the model's name.
        version: the version's number.
        path: the folder it was loaded from.
        signature_defs: all SignatureDefs as stored, for GetModelMetadata.
        signatures: the callable ones.
        transform_hash: the transform inside the graph, by the exporter's own record; "" if none.
    """

    def __init__(
        self,
        name: str,
        version: int,
        path: Path,
        session: tf.compat.v1.Session,
        signature_defs: Mapping[str, meta_graph_pb2.SignatureDef],
    ) -> None:
        self.name = name
        self.version = version
        self.path = path
        self.signature_defs = signature_defs
        self._graphs = _Graphs(session)
        callable_ = {key: d for key, d in signature_defs.items() if key != _INIT_SIGNATURE}
        # Those with most outputs first, since others may be part of them.
        order = sorted(callable_, key=lambda key: (-len(callable_[key].outputs), key))
        self.signatures = {key: _signature(self._graphs, key, callable_[key]) for key in order}
        if DEFAULT_SIGNATURE in self.signatures:
            self._graphs.prepare(self.signatures[DEFAULT_SIGNATURE])
        self.transform_hash = exported.transform_hash(path)
        # Keyed by names that exist, each once, in whatever order: the model's own subsets.
        self._merged: dict[frozenset[str], Signature] = {}
        self._session = session
        # Reentrant: the garbage collector may end a lost request while its own thread holds this.
        self._lock = threading.RLock()
        self._users = 0
        self._retired = False

    def signature(self, name: str) -> Signature:
        """The signature of that name; the empty name means `serving_default`.

        Raises:
            status.Refusal: FAILED_PRECONDITION where the model has none of that name.
        """
        key = name or DEFAULT_SIGNATURE
        if key not in self.signatures:
            raise not_found(key)
        return self.signatures[key]

    def merged(self, names: tuple[str, ...]) -> Signature:
        """Several signatures as one run of the graph, for MultiInference.

        Its inputs and outputs are named by the graph's tensors, since two signatures may use one
        name for different tensors.
        """
        key = frozenset(names)
        if key not in self._merged:
            parts = [self.signature(name) for name in names]
            inputs = {
                tensor: part.inputs[alias]
                for part in parts
                for alias, tensor in part.input_tensors.items()
            }
            outputs = sorted({t for part in parts for t in part.output_tensors.values()})
            self._merged[key] = Signature(
                "+".join(names),
                "",
                inputs,
                tuple(outputs),
                {tensor: tensor for tensor in inputs},
                {tensor: tensor for tensor in outputs},
                self._graphs.call(tuple(inputs), tuple(outputs)),
            )
        return self._merged[key]

    def acquire(self) -> bool:
        """Holds the version for one request; False where it is closed or about to be."""
        with self._lock:
            if self._retired:
                return False
            self._users += 1
            return True

    def hold(self) -> None:
        """Holds the version once more, for work that may outlive the request that holds it."""
        with self._lock:
            self._users += 1

    def release(self) -> None:
        """Ends what a successful `acquire`, or a `hold`, began."""
        with self._lock:
            self._users -= 1
            last = self._retired and self._users == 0
        if last:
            self._session.close()

    def retire(self) -> None:
        """Lets nobody take it any more, and closes it with its last user."""
        with self._lock:
            first, self._retired = not self._retired, True
            unused = self._users == 0
        if first and unused:
            self._session.close()

    @property
    def in_use(self) -> bool:
        """Whether a request holds it."""
        return self._users > 0


def load_servable(
    name: str, version: int, path: Path, settings: SessionSettings = SessionSettings()
) -> Servable:
    """Loads one version folder.

    Raises:
        status.Refusal: there is no SavedModel, its bytes are damaged or not those that were
            pushed, it has no serving graph, or TensorFlow cannot load it.
    """
    definitions = _read_signature_defs(path)
    session = tf.compat.v1.Session(graph=tf.Graph(), config=_session_config(settings))
    try:
        damage = content.damage(path)
        if damage is not None:
            raise status.Refusal(grpc.StatusCode.DATA_LOSS, damage)
        with session.graph.as_default():
            tf.compat.v1.saved_model.loader.load(session, [tf.saved_model.SERVING], str(path))
        return Servable(name, version, path, session, definitions)
    except DataError as error:
        session.close()
        raise status.Refusal(grpc.StatusCode.DATA_LOSS, str(error)) from error
    except Exception as error:
        session.close()
        raise status.as_refusal(error) from error


def start_pools(settings: SessionSettings) -> None:
    """Starts TensorFlow's thread pools, which all sessions of a process share."""
    tf.compat.v1.Session(graph=tf.Graph(), config=_session_config(settings)).close()


def _session_config(settings: SessionSettings) -> config_pb2.ConfigProto:
    return config_pb2.ConfigProto(
        inter_op_parallelism_threads=settings.inter_op_threads,
        intra_op_parallelism_threads=settings.intra_op_threads,
    )


def _read_signature_defs(path: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    file = path / versions.SAVED_MODEL_FILE
    if not file.is_file():
        raise status.not_found(
            f"Could not find SavedModel .pb at supplied export directory: {path}"
        )
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString(file.read_bytes())
    except (OSError, ValueError, DecodeError) as error:
        raise status.Refusal(grpc.StatusCode.DATA_LOSS, f"{file}: {error}") from error
    for meta_graph in saved_model.meta_graphs:
        if tf.saved_model.SERVING in meta_graph.meta_info_def.tags:
            return dict(meta_graph.signature_def)
    raise status.not_found(f"Could not find meta graph def matching supplied tags: serve in {file}")


class _Graphs:
    """The graph calls of one session: what is part of a call that exists needs none of its own.

    Each new call costs 0.2 s of graph optimisation. Only the default signature's is made while the
    version loads, the others' at their first use, as TensorFlow Serving makes all of them: what
    nobody asks for would take cores from those who ask the version before.
    """

    def __init__(self, session: tf.compat.v1.Session) -> None:
        self._session = session
        self._made: dict[tuple[str, ...], list[tuple[tuple[str, ...], _Deferred]]] = {}

    def call(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> RunGraph:
        """Runs the graph on arrays for `feeds`; returns the arrays of `fetches`."""
        made = self._made.setdefault(feeds, [])
        for whole, found in made:
            if {*fetches} <= {*whole}:
                return found if fetches == whole else _part(whole, found, fetches)
        for tensor in (*feeds, *fetches):  # one that is missing makes a version that cannot load
            self._session.graph.get_tensor_by_name(tensor)
        run = _Deferred(partial(self._make, feeds, fetches))
        made.append((fetches, run))
        return run

    def prepare(self, signature: Signature) -> None:
        """Makes the call behind a signature now."""
        fetches = {*signature.output_tensors.values()}
        for whole, run in self._made[tuple(signature.input_tensors.values())]:
            if fetches <= {*whole}:
                run.made()
                return

    def _make(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> RunGraph:
        # The public `make_callable` goes through feed_dict, which costs 0.13 ms a call, a fifth of
        # the model's own time; this one is what Keras's graph mode runs on, unchanged since TF 1.8.
        # On one core, in the caller's thread: handing operations to a pool costs a tenth there.
        pool = -1 if has_one_core() else 0
        place = config_pb2.RunOptions(inter_op_thread_pool=pool)
        options = config_pb2.CallableOptions(feed=feeds, fetch=fetches, run_options=place)
        run: RunGraph = self._session._make_callable_from_options(options)
        return run


class _Deferred:
    """A graph call that is made when it is first needed, once."""

    def __init__(self, make: Callable[[], RunGraph]) -> None:
        self._make = make
        self._run: RunGraph | None = None
        self._lock = threading.Lock()

    def made(self) -> RunGraph:
        """The call, which is made by whoever asks first."""
        if self._run is None:
            with self._lock:
                if self._run is None:
                    self._run = self._make()
        return self._run

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        return self.made()(*arrays)


def _part(whole: tuple[str, ...], run: RunGraph, fetches: tuple[str, ...]) -> RunGraph:
    places = [whole.index(tensor) for tensor in fetches]

    def run_part(*arrays: Array) -> Sequence[Array]:
        outputs = run(*arrays)
        return [outputs[place] for place in places]

    return run_part


def _signature(graphs: _Graphs, name: str, definition: meta_graph_pb2.SignatureDef) -> Signature:
    inputs = signature_specs(definition)
    input_tensors = {alias: definition.inputs[alias].name for alias in inputs}
    output_tensors = {alias: definition.outputs[alias].name for alias in sorted(definition.outputs)}
    return Signature(
        name,
        definition.method_name,
        inputs,
        tuple(output_tensors),
        input_tensors,
        output_tensors,
        graphs.call(tuple(input_tensors.values()), tuple(output_tensors.values())),
    )
