"""The client's own messages against the stock stubs': same fields, same bytes, no TensorFlow."""

import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import any_pb2, descriptor_pb2, wrappers_pb2
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    status_pb2,
)

from rankbeam.serving.client import protocol

STOCK: dict[str, Any] = {
    "Dim": tensor_shape_pb2.TensorShapeProto.Dim,
    "TensorShape": tensor_shape_pb2.TensorShapeProto,
    "Tensor": tensor_pb2.TensorProto,
    "Int64Value": wrappers_pb2.Int64Value,
    "ModelSpec": model_pb2.ModelSpec,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "AnyMessage": any_pb2.Any,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "TensorInfo": meta_graph_pb2.TensorInfo,
    "SignatureDef": meta_graph_pb2.SignatureDef,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "StatusProto": status_pb2.StatusProto,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
}
MESSAGE, ENUM, INT32 = 11, 14, 5


def _fields(message: Any) -> dict[int, tuple[str, Any, Any, str]]:
    """Number -> what the wire knows of a field; an enum is an int32 there."""
    proto = descriptor_pb2.DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    entries = {nested.name for nested in proto.nested_type if nested.options.map_entry}
    found = {}
    for field in proto.field:
        kind = INT32 if field.type == ENUM else field.type
        type_name = field.type_name.split(".")[-1]
        found[field.number] = (field.name, kind, field.label, "map" * (type_name in entries))
    return found


def test_protocol_lists_every_message() -> None:
    assert set(STOCK) == set(protocol.FIELDS)


@pytest.mark.parametrize("name", protocol.FIELDS)
def test_protocol_fields_are_those_of_the_stock_messages(name: str) -> None:
    ours = _fields(protocol._CLASSES[name])
    stock = _fields(STOCK[name])
    assert len(ours) == len(protocol.FIELDS[name])
    assert ours == {number: stock[number] for number in ours}


@pytest.mark.parametrize("name", protocol.FIELDS)
def test_protocol_messages_hold_the_stock_messages(name: str) -> None:
    ours, stock = protocol._CLASSES[name].DESCRIPTOR, STOCK[name].DESCRIPTOR
    for number, field in ours.fields_by_number.items():
        held, expected = field.message_type, stock.fields_by_number[number].message_type
        if held is None:
            continue
        if held.GetOptions().map_entry:
            held = held.fields_by_name["value"].message_type
            expected = expected.fields_by_name["value"].message_type
        assert expected == STOCK[held.name].DESCRIPTOR


def test_protocol_request_is_read_by_the_stock_message() -> None:
    spec = protocol.model_spec("shop", "serving_default", version=3)
    request = protocol.PredictRequest(model_spec=spec)
    request.inputs["examples"].dtype = 7
    request.inputs["examples"].string_val.extend([b"a", b"\xff\0"])
    stock = predict_pb2.PredictRequest.FromString(protocol.serialize(request))
    assert (stock.model_spec.name, stock.model_spec.version.value) == ("shop", 3)
    assert stock.model_spec.signature_name == "serving_default"
    assert list(stock.inputs["examples"].string_val) == [b"a", b"\xff\0"]


def test_protocol_label_and_no_version() -> None:
    labelled = protocol.serialize(protocol.model_spec("shop", label="canary"))
    assert model_pb2.ModelSpec.FromString(labelled).version_label == "canary"
    free = model_pb2.ModelSpec.FromString(protocol.serialize(protocol.model_spec("shop")))
    assert free.WhichOneof("version_choice") is None


def test_protocol_states_are_named_as_in_the_stock_enum() -> None:
    stock = get_model_status_pb2.ModelVersionStatus.State
    assert dict(protocol.STATES) == {number: name for name, number in stock.items()}


def test_client_is_imported_without_tensorflow() -> None:
    code = (
        "import sys, rankbeam.serving.client, rankbeam.serving.predict\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'tensorflow', 'tensorflow_serving', 'tf_keras', 'pydantic'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout == "[]\n"
