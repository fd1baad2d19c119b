"""A SavedModel's serving graph: read from its folder, and loaded into a session in short steps.

What `tf.compat.v1.saved_model.loader.load` does with a model of TensorFlow 2, on the same public
parts. That function parses the file twice and imports the graph in one call, which holds Python's
lock for tens of milliseconds; a server that loads a version while it answers from another stands
still for as long. Here the file is parsed once. The nodes come before the functions that they call,
so that TensorFlow infers no shapes inside of functions, and each function comes by itself.
"""

import sys
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2

from rankbeam.serving import status, versions

INIT_SIGNATURE = "__saved_model_init_op"
"""TensorFlow 2 lists its initialisation among the signatures; it cannot be called."""

_TAGS = {tf.saved_model.SERVING}
# TensorFlow's threads are there for requests, and stand before this one.
_IN_THIS_THREAD = config_pb2.RunOptions(inter_op_thread_pool=-1)


def read_meta_graph(path: Path) -> meta_graph_pb2.MetaGraphDef:
    """The serving graph of a SavedModel folder, with its signatures.

    Raises:
        status.Refusal: NOT_FOUND where there is no SavedModel, or none with a serving graph;
            DATA_LOSS where the file cannot be read or parsed.
    """
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
        if {*meta_graph.meta_info_def.tags} == _TAGS:
            return meta_graph
    raise status.not_found(f"Could not find meta graph def matching supplied tags: serve in {file}")


def load_graph(
    session: tf.compat.v1.Session, path: Path, meta_graph: meta_graph_pb2.MetaGraphDef
) -> None:
    """Brings graph, variables and tables into a session with an empty graph.

    Args:
        session: where to.
        path: the SavedModel's folder.
        meta_graph: what `read_meta_graph` found there; its functions and objects may be taken out.

    Raises:
        OSError, ValueError, tf.errors.OpError: TensorFlow's own errors.
    """
    if not _is_of_tensorflow_2(meta_graph) or sys.byteorder == "big":
        with session.graph.as_default():
            tf.compat.v1.saved_model.loader.load(session, [*_TAGS], str(path))
        return
    functions = _take_functions(meta_graph)
    operations = meta_graph.meta_info_def.stripped_op_list
    with session.graph.as_default():
        tf.compat.v1.train.import_meta_graph(meta_graph)
        for function in functions:
            tf.import_graph_def(function, name="", producer_op_list=operations)
    saver = meta_graph.saver_def
    if saver.restore_op_name:  # there are variables
        prefix = str(path / "variables" / "variables")
        session.run(saver.restore_op_name, {saver.filename_tensor_name: prefix}, _IN_THIS_THREAD)
    _fill_tables(session, path, meta_graph)


def _is_of_tensorflow_2(meta_graph: meta_graph_pb2.MetaGraphDef) -> bool:
    """Others begin otherwise, or have functions that others are the gradients of."""
    return INIT_SIGNATURE in meta_graph.signature_def and not meta_graph.graph_def.library.gradient


def _take_functions(meta_graph: meta_graph_pb2.MetaGraphDef) -> list[graph_pb2.GraphDef]:
    """Each function as a graph without nodes; the meta graph loses them."""
    graph = meta_graph.graph_def
    taken = [graph_pb2.GraphDef(versions=graph.versions) for _ in graph.library.function]
    for one, function in zip(taken, graph.library.function, strict=True):
        one.library.function.append(function)
    graph.ClearField("library")
    meta_graph.ClearField("object_graph_def")  # describes the model to Python, not to a session
    return taken


def _fill_tables(
    session: tf.compat.v1.Session, path: Path, meta_graph: meta_graph_pb2.MetaGraphDef
) -> None:
    begin = meta_graph.signature_def[INIT_SIGNATURE].outputs[INIT_SIGNATURE].name
    assets = {
        asset.tensor_info.name: str(path / "assets" / asset.filename)
        for asset in meta_graph.asset_file_def
    }
    session.run(begin, assets, _IN_THIS_THREAD)
