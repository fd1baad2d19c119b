"""A SavedModel's serving graph, loaded into a session in short steps.

What `tf.compat.v1.saved_model.loader.load` does with a model of TensorFlow 2. That function parses
the file twice and imports the graph in one call, which holds Python's lock for tens of
milliseconds; a server that loads a version while it answers from another stands still for as long.
Here the nodes come before the functions that they call, so that TensorFlow infers no shapes inside
of functions, and each function comes by itself, as it lies in the file.
"""

import sys
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

# What `tf.import_graph_def` calls. It serializes each function twice on the way, with Python's lock
# held; no public function takes one that is serialized.
from tensorflow.python.client import pywrap_tf_session

from rankbeam.serving.saved_model_file import ServingGraph

INIT_SIGNATURE = "__saved_model_init_op"
"""TensorFlow 2 lists its initialisation among the signatures; it cannot be called."""

# TensorFlow's threads are there for requests, and stand before this one.
_IN_THIS_THREAD = config_pb2.RunOptions(inter_op_thread_pool=-1)


def load_graph(session: tf.compat.v1.Session, path: Path, graph: ServingGraph) -> None:
    """Brings graph, variables and tables into a session with an empty graph.

    Args:
        session: where to.
        path: the SavedModel's folder.
        graph: what was read there.

    Raises:
        OSError, ValueError, tf.errors.OpError: TensorFlow's own errors.
    """
    meta_graph = graph.meta_graph
    if not _is_of_tensorflow_2(graph) or sys.byteorder == "big":
        with session.graph.as_default():
            tf.compat.v1.saved_model.loader.load(session, [tf.saved_model.SERVING], str(path))
        return
    operations = meta_graph.meta_info_def.stripped_op_list
    with session.graph.as_default():
        tf.import_graph_def(meta_graph.graph_def, name="", producer_op_list=operations)
    for function in graph.functions:
        _add_function(session.graph, function)
    saver = meta_graph.saver_def
    if saver.restore_op_name:  # there are variables
        prefix = str(path / "variables" / "variables")
        session.run(saver.restore_op_name, {saver.filename_tensor_name: prefix}, _IN_THIS_THREAD)
    _fill_tables(session, path, meta_graph)


def _is_of_tensorflow_2(graph: ServingGraph) -> bool:
    """Others begin otherwise, or have functions that others are the gradients of."""
    return INIT_SIGNATURE in graph.meta_graph.signature_def and not graph.has_gradients


def _add_function(graph: tf.Graph, definition: bytes) -> None:
    function = pywrap_tf_session.TF_FunctionImportFunctionDef(definition)
    try:
        with graph._c_graph.get() as c_graph:
            pywrap_tf_session.TF_GraphCopyFunction(c_graph, function, None)
    finally:
        pywrap_tf_session.TF_DeleteFunction(function)


def _fill_tables(
    session: tf.compat.v1.Session, path: Path, meta_graph: meta_graph_pb2.MetaGraphDef
) -> None:
    begin = meta_graph.signature_def[INIT_SIGNATURE].outputs[INIT_SIGNATURE].name
    assets = {
        asset.tensor_info.name: str(path / "assets" / asset.filename)
        for asset in meta_graph.asset_file_def
    }
    session.run(begin, assets, _IN_THIS_THREAD)
