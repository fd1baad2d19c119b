"""A file that is cut where its messages nest holds what Protocol Buffers reads from it."""

from pathlib import Path

import pytest
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from rankbeam.serving.saved_model_file import read_serving_graph
from rankbeam.serving.status import Refusal

# Field 1 of a SavedModel is its version of the format, field 2 a meta graph; field 1 of that holds
# the tags, whose field 4 they are; field 2 is the graph.
_SERVE = b"\x0a\x07\x22\x05serve"


def _write(folder: Path, meta_graph: bytes, after: bytes = b"") -> Path:
    file = b"\x08\x01\x12" + bytes([len(meta_graph)]) + meta_graph + after
    (folder / "saved_model.pb").write_bytes(file)
    return folder


@pytest.fixture(scope="module")
def stored(saved_model: Path) -> saved_model_pb2.SavedModel:
    """What Protocol Buffers makes of a file."""
    data = (saved_model / "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(data)


def test_serving_graph_is_what_is_stored(
    saved_model: Path, stored: saved_model_pb2.SavedModel
) -> None:
    found = read_serving_graph(saved_model)
    expected = meta_graph_pb2.MetaGraphDef()
    expected.CopyFrom(stored.meta_graphs[0])
    library = expected.graph_def.library
    functions = [type(library.function[0]).FromString(one) for one in found.functions]
    assert functions == [*library.function]
    assert len(functions) > 10
    assert not found.has_gradients
    expected.graph_def.ClearField("library")
    expected.ClearField("object_graph_def")
    assert found.meta_graph == expected
    assert found.meta_graph.graph_def.node


def test_serving_graph_tells_of_gradients(
    stored: saved_model_pb2.SavedModel, tmp_path: Path
) -> None:
    model = saved_model_pb2.SavedModel()
    model.CopyFrom(stored)
    model.meta_graphs[0].graph_def.library.gradient.add(function_name="f", gradient_func="g")
    (tmp_path / "saved_model.pb").write_bytes(model.SerializeToString())
    assert read_serving_graph(tmp_path).has_gradients


def test_serving_graph_has_these_very_tags(
    stored: saved_model_pb2.SavedModel, tmp_path: Path
) -> None:
    model = saved_model_pb2.SavedModel()
    model.CopyFrom(stored)
    model.meta_graphs[0].meta_info_def.tags.append("gpu")
    file = tmp_path / "saved_model.pb"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(Refusal, match=r"^NOT_FOUND: Could not find .* supplied tags: serve in "):
        read_serving_graph(tmp_path)
    model.meta_graphs.add().meta_info_def.tags.append("serve")
    file.write_bytes(model.SerializeToString())
    assert not read_serving_graph(tmp_path).functions


def test_serving_graph_passes_over_fields_of_all_kinds(tmp_path: Path) -> None:
    unknown = (
        b"\xf8\x07\xac\x02"  # field 127, a varint of two bytes
        b"\xf9\x07\x00\x01\x02\x03\x04\x05\x06\x07"  # 64 bits
        b"\xfd\x07\x00\x01\x02\x03"  # 32 bits
        b"\xfa\x07\x02hi"  # sized
    )
    node = graph_pb2.GraphDef(node=[{"name": "x", "op": "NoOp"}]).SerializeToString()
    graph = b"\x12" + bytes([len(unknown + node)]) + unknown + node
    found = read_serving_graph(_write(tmp_path, unknown + _SERVE + graph, after=unknown))
    assert [one.name for one in found.meta_graph.graph_def.node] == ["x"]


def test_serving_graph_in_two_parts_is_merged(tmp_path: Path) -> None:
    parts = [
        graph_pb2.GraphDef(
            node=[{"name": name, "op": "NoOp"}],
            library={"function": [{"signature": {"name": f"f_{name}"}}]},
        ).SerializeToString()
        for name in "ab"
    ]
    message = _SERVE + b"".join(b"\x12" + bytes([len(part)]) + part for part in parts)
    found = read_serving_graph(_write(tmp_path, message))
    assert [one.name for one in found.meta_graph.graph_def.node] == ["a", "b"]
    assert [b"f_a" in found.functions[0], b"f_b" in found.functions[1]] == [True, True]


@pytest.mark.parametrize(
    ("meta_graph", "reason"),
    [
        (_SERVE + b"\x13", "the byte at 9 of a message begins no field"),  # a group
        (_SERVE + b"\x12\x05\x0a", "a message is cut short: 16 bytes became 12"),
        (_SERVE + b"\x12" + b"\xff" * 12, "the number at byte 10 of a message does not end"),
        (_SERVE + b"\x12", "the number at byte 10 of a message does not end"),
        (_SERVE + b"\x12\x02\x0a\x09", "a message is cut short: 11 bytes became 2"),
        (_SERVE + b"\x12\x03\x0a\x01\x0a", "Error parsing message"),  # inside of a node
    ],
)
def test_serving_graph_that_is_broken_is_refused(
    meta_graph: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(Refusal, match=f"^DATA_LOSS: .*saved_model.pb: {reason}"):
        read_serving_graph(_write(tmp_path, meta_graph))


def test_serving_graph_that_is_cut_short_is_refused(saved_model: Path, tmp_path: Path) -> None:
    data = (saved_model / "saved_model.pb").read_bytes()
    for size in range(3, len(data), len(data) // 50):
        (tmp_path / "saved_model.pb").write_bytes(data[:size])
        with pytest.raises(Refusal, match=r"^DATA_LOSS: .*(does not end|cut short)"):
            read_serving_graph(tmp_path)
