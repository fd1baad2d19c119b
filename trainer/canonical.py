"""One SavedModel for one model: the same bytes whatever the process did before it saved.

TensorFlow numbers functions, variables and tables with a counter of the process, and writes these
numbers into the file. A run that was killed and resumed counts differently, so it would push the
same weights as another version. Here every counted name gets its rank in place of its count.

The fingerprint that TensorFlow writes beside the file describes the former bytes and is optional;
it is removed.

`tf.saved_model.save` takes only Python identifiers as names of inputs, where a column may be called
anything; both TensorFlow Serving and `tf.saved_model.load` can use the column's own name.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping, MutableSequence
from typing import Any

import tensorflow as tf
from google.protobuf.message import Message
from tensorflow.core.protobuf import saved_model_pb2

MetaGraph = Any
"""tensorflow.MetaGraphDef; TensorFlow's protos carry no types."""
_COUNTED = re.compile(r"(.*_)?\d+", re.DOTALL)
_COUNT = re.compile(r"_?(\d+)(?=_|$)")
_GIVEN_NAME = "_user_specified_name"
_RESOURCE_NAMES = ("shared_name", "debug_name")


def canonicalise(folder: str, input_names: Mapping[str, str]) -> None:
    """Rewrites the SavedModel in `folder` in its canonical form.

    Args:
        folder: A folder that `tf.saved_model.save` has just written.
        input_names: Name of a signature's input as saved -> name it shall have.
    """
    path = tf.io.gfile.join(folder, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    with tf.io.gfile.GFile(path, "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved_model.meta_graphs:
        _rename_inputs(meta_graph, input_names)
        _canonicalise_functions(meta_graph)
        _canonicalise_arguments(meta_graph)
        _canonicalise_resources(meta_graph)
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(saved_model.SerializeToString(deterministic=True))
    fingerprint = tf.io.gfile.join(folder, "fingerprint.pb")
    if tf.io.gfile.exists(fingerprint):
        tf.io.gfile.remove(fingerprint)


def _rename_inputs(meta_graph: MetaGraph, names: Mapping[str, str]) -> None:
    for signature in meta_graph.signature_def.values():
        renamed = {names.get(name, name): info for name, info in signature.inputs.items()}
        copy = type(signature)(inputs=renamed)
        signature.ClearField("inputs")
        signature.MergeFrom(copy)
    for node in meta_graph.object_graph_def.nodes:
        if node.HasField("bare_concrete_function"):
            keywords = node.bare_concrete_function.argument_keywords
            keywords[:] = [names.get(name, name) for name in keywords]


def _canonicalise_functions(meta_graph: MetaGraph) -> None:
    library = meta_graph.graph_def.library
    names = _ranked([function.signature.name for function in library.function])
    _rename(meta_graph, {name: f"{_COUNT.sub('', name)}_{rank}" for rank, name in enumerate(names)})
    ordered = sorted(library.function, key=lambda function: str(function.signature.name))
    copies = [type(function).FromString(function.SerializeToString()) for function in ordered]
    del library.function[:]
    library.function.extend(copies)


def _canonicalise_arguments(meta_graph: MetaGraph) -> None:
    """Names the arguments of functions by place, apart from the inputs of signatures."""
    inputs = {name for signature in meta_graph.signature_def.values() for name in signature.inputs}
    for function in meta_graph.graph_def.library.function:
        names: dict[str, str] = {}
        for place, argument in enumerate(function.signature.input_arg):
            if argument.name not in inputs and _COUNTED.fullmatch(argument.name):
                names[argument.name] = argument.name = f"argument_at_{place}"
        for node in function.node_def:
            node.input[:] = [_renamed_input(name, names) for name in node.input]
        for key, value in function.ret.items():
            function.ret[key] = names.get(value, value)
        for attributes in function.arg_attr.values():
            if _GIVEN_NAME in attributes.attr and _is_counted(attributes.attr[_GIVEN_NAME], inputs):
                del attributes.attr[_GIVEN_NAME]


def _renamed_input(name: str, names: Mapping[str, str]) -> str:
    bare = name.removeprefix("^")  # a control input
    return name if bare not in names else name.replace(bare, names[bare])


def _is_counted(value: Any, inputs: set[str]) -> bool:
    name = value.s.decode()
    return name not in inputs and _COUNTED.fullmatch(name) is not None


def _canonicalise_resources(meta_graph: MetaGraph) -> None:
    graph = meta_graph.graph_def
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    values = [node.attr[key] for node in nodes for key in _RESOURCE_NAMES if key in node.attr]
    names = _ranked({value.s.decode() for value in values if value.s})
    ranks = {name: f"resource_{rank}" for rank, name in enumerate(names)}
    for value in values:
        if value.s:
            value.s = ranks[value.s.decode()].encode()


def _ranked(names: Iterable[str]) -> list[str]:
    """Names in the order of what they are without their counts, then of their counts."""
    return sorted(
        names, key=lambda name: (_COUNT.sub("", name), [int(n) for n in _COUNT.findall(name)])
    )


def _rename(message: Message, names: Mapping[str, str]) -> None:
    """Replaces every string field, map key and map value that is one of `names`."""
    for field, value in message.ListFields():
        if isinstance(value, MutableMapping):
            _rename_map(value, names)
        elif isinstance(value, MutableSequence):
            for place, item in enumerate(value):
                if isinstance(item, Message):
                    _rename(item, names)
                elif item in names:
                    value[place] = names[item]
        elif isinstance(value, Message):
            _rename(value, names)
        elif value in names:
            setattr(message, field.name, names[value])


def _rename_map(entries: MutableMapping[Any, Any], names: Mapping[str, str]) -> None:
    for key in list(entries):
        value = entries[key]
        if isinstance(value, Message):
            _rename(value, names)
            if key in names:
                entries[names[key]].CopyFrom(value)
                del entries[key]
        else:
            if key in names:
                del entries[key]
            entries[names.get(key, key)] = names.get(value, value)
