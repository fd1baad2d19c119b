"""A SavedModel's file, read with its functions left as bytes.

The functions are most of the file. Made into Python's messages and back, each would hold Python's
lock for milliseconds, several times over; TensorFlow takes them as they lie in the file. So the
file is cut where TensorFlow's messages nest, by Protocol Buffers' wire format
(https://protobuf.dev/programming-guides/encoding), and only what is small is parsed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import function_pb2, graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from rankbeam.serving import status, versions

_TAGS = {tf.saved_model.SERVING}

_META_GRAPHS = saved_model_pb2.SavedModel.META_GRAPHS_FIELD_NUMBER
_GRAPH = meta_graph_pb2.MetaGraphDef.GRAPH_DEF_FIELD_NUMBER
_OBJECTS = meta_graph_pb2.MetaGraphDef.OBJECT_GRAPH_DEF_FIELD_NUMBER
_LIBRARY = graph_pb2.GraphDef.LIBRARY_FIELD_NUMBER
_FUNCTION = function_pb2.FunctionDefLibrary.FUNCTION_FIELD_NUMBER
_GRADIENT = function_pb2.FunctionDefLibrary.GRADIENT_FIELD_NUMBER

# What a field's key says about where it ends.
_VARINT, _FIXED_64, _SIZED, _FIXED_32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class ServingGraph:
    """The serving graph of a SavedModel.

    Attributes:
        meta_graph: all but the functions, and the objects that describe the model to Python.
        functions: serialized FunctionDefs, in the file's order.
        has_gradients: whether functions are named as the gradients of others, as TensorFlow 1 did.
    """

    meta_graph: meta_graph_pb2.MetaGraphDef
    functions: tuple[bytes, ...]
    has_gradients: bool


def read_serving_graph(path: Path) -> ServingGraph:
    """Reads a SavedModel folder.

    Raises:
        status.Refusal: NOT_FOUND where there is no SavedModel, or none with a serving graph;
            DATA_LOSS where the file cannot be read or parsed.
    """
    file = path / versions.SAVED_MODEL_FILE
    if not file.is_file():
        raise status.not_found(
            f"Could not find SavedModel .pb at supplied export directory: {path}"
        )
    try:
        _, meta_graphs = _cut(file.read_bytes(), _META_GRAPHS)
        for message in meta_graphs:
            graph = _serving_graph(message)
            if {*graph.meta_graph.meta_info_def.tags} == _TAGS:
                return graph
    except (OSError, ValueError, DecodeError) as error:
        raise status.Refusal(grpc.StatusCode.DATA_LOSS, f"{file}: {error}") from error
    raise status.not_found(f"Could not find meta graph def matching supplied tags: serve in {file}")


def _serving_graph(message: bytes) -> ServingGraph:
    rest, _ = _cut(message, _OBJECTS)
    rest, graphs = _cut(rest, _GRAPH)
    meta_graph = meta_graph_pb2.MetaGraphDef.FromString(rest)
    functions: list[bytes] = []
    gradients: list[bytes] = []
    for graph in graphs:  # one; Protocol Buffers would merge several
        nodes, libraries = _cut(graph, _LIBRARY)
        meta_graph.graph_def.MergeFromString(nodes)
        for library in libraries:
            functions += _cut(library, _FUNCTION)[1]
            gradients += _cut(library, _GRADIENT)[1]
    return ServingGraph(meta_graph, tuple(functions), bool(gradients))


def _cut(message: bytes, number: int) -> tuple[bytes, list[bytes]]:
    """The message without a field, which holds messages; and the field's values.

    Raises:
        ValueError: The message ends in the middle of a field, or is none.
    """
    rest, values = [], []
    for field, begin, value, end in _fields(message):
        if field == number:
            values.append(message[value:end])
        else:
            rest.append(message[begin:end])
    return b"".join(rest), values


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Each field's number, and where it begins, its value begins, and both end."""
    end = 0
    while end < len(message):
        begin = end
        key, value = _varint(message, begin)
        kind = key & 7
        if kind == _SIZED:
            size, value = _varint(message, value)
            end = value + size
        elif kind == _VARINT:
            end = _varint(message, value)[1]
        elif kind in (_FIXED_32, _FIXED_64):
            end = value + (4 if kind == _FIXED_32 else 8)
        else:
            raise ValueError(f"the byte at {begin} of a message begins no field")
        if end > len(message):
            raise ValueError(f"a message is cut short: {end} bytes became {len(message)}")
        yield key >> 3, begin, value, end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at a place, seven bits a byte, the lowest first; and the place after it."""
    number = 0
    for place, byte in enumerate(message[at : at + 10]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError(f"the number at byte {at} of a message does not end")
