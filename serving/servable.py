"""One loaded version of a model, loaded as TensorFlow Serving does: a session on the serving graph.

A session runs a signature in 0.6 of the time that the function of `tf.saved_model.load` takes for
100 examples, and its SignatureDefs are the ones that TensorFlow Serving answers from.
"""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from rankbeam.serving import content, exported, saved_model, saved_model_file, status
from rankbeam.serving.graph_calls import GraphCalls
from rankbeam.serving.signature import Signature, not_found, signature_specs
from rankbeam.transform.errors import DataError

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


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
        self._calls = GraphCalls(session)
        callable_ = {
            key: d for key, d in signature_defs.items() if key != saved_model.INIT_SIGNATURE
        }
        # Those with most outputs first, since others may be part of them.
        order = sorted(callable_, key=lambda key: (-len(callable_[key].outputs), key))
        self.signatures = {key: _signature(key, callable_[key], self._calls) for key in order}
        if DEFAULT_SIGNATURE in self.signatures:
            self.signatures[DEFAULT_SIGNATURE].graph.make()
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
            self._merged[key] = _merged(names, parts, self._calls)
        return self._merged[key]

    def prepare_as(self, before: "Servable") -> None:
        """Makes the graph calls that users of another version needed, where the names are ours too.

        Else the first request for each after a swap would wait for it, and all others with it
        where the cores are few. What cannot be made is left to that request, which is told why.
        """
        for signature in before.signatures.values():
            if signature.graph.is_made and signature.name in self.signatures:
                _prepare(self.signatures[signature.name])
        for names, signature in list(before._merged.items()):
            if signature.graph.is_made and names <= self.signatures.keys():
                _prepare(self.merged(tuple(sorted(names))))

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
    graph = saved_model_file.read_serving_graph(path)
    session = tf.compat.v1.Session(graph=tf.Graph(), config=_session_config(settings))
    try:
        damage = content.damage(path)
        if damage is not None:
            raise status.Refusal(grpc.StatusCode.DATA_LOSS, damage)
        saved_model.load_graph(session, path, graph)
        return Servable(name, version, path, session, _signature_defs(graph.meta_graph))
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


def _prepare(signature: Signature) -> None:
    with contextlib.suppress(tf.errors.OpError, ValueError):
        signature.graph.make()


def _signature_defs(
    meta_graph: meta_graph_pb2.MetaGraphDef,
) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Copies: a part of a message keeps the whole in memory, here the graph."""
    copies = {name: meta_graph_pb2.SignatureDef() for name in meta_graph.signature_def}
    for name, copy in copies.items():
        copy.CopyFrom(meta_graph.signature_def[name])
    return copies


def _signature(name: str, definition: meta_graph_pb2.SignatureDef, calls: GraphCalls) -> Signature:
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
        calls.call(tuple(input_tensors.values()), tuple(output_tensors.values())),
    )


def _merged(names: tuple[str, ...], parts: Sequence[Signature], calls: GraphCalls) -> Signature:
    inputs = {
        tensor: part.inputs[alias] for part in parts for alias, tensor in part.input_tensors.items()
    }
    outputs = sorted({tensor for part in parts for tensor in part.output_tensors.values()})
    return Signature(
        "+".join(names),
        "",
        inputs,
        tuple(outputs),
        {tensor: tensor for tensor in inputs},
        {tensor: tensor for tensor in outputs},
        calls.call(tuple(inputs), tuple(outputs)),
    )
