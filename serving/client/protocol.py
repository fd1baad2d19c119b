"""TensorFlow Serving's messages, as far as a client needs them, without TensorFlow.

The stock `tensorflow_serving.apis` import TensorFlow's own protos, and with them all of TensorFlow:
2.5 s and some 400 MB in a process that only asks for scores. The messages below have the same
fields under the same numbers, hence the same bytes; `tests/serving/client/test_protocol.py` holds
each field against the stock descriptors. They live in a pool of their own, so that a process may
use both.

Sources: tensorflow/serving `apis/*.proto`; tensorflow `core/framework/tensor.proto`,
`core/framework/tensor_shape.proto`, `core/protobuf/meta_graph.proto`.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from rankbeam.transform.stack import message_classes

_PACKAGE = "rankbeam.serving.client"

FIELDS: Mapping[str, tuple[str, ...]] = {
    "Dim": ("1 int64 size",),
    "TensorShape": ("2 repeated Dim dim", "3 bool unknown_rank"),
    "Tensor": (
        "1 int32 dtype",
        "2 TensorShape tensor_shape",
        "4 bytes tensor_content",
        "5 repeated float float_val",
        "6 repeated double double_val",
        "7 repeated int32 int_val",
        "8 repeated bytes string_val",
        "10 repeated int64 int64_val",
        "11 repeated bool bool_val",
        "13 repeated int32 half_val",
        "16 repeated uint32 uint32_val",
        "17 repeated uint64 uint64_val",
    ),
    "Int64Value": ("1 int64 value",),
    "ModelSpec": (
        "1 string name",
        "2 Int64Value version",
        "3 string signature_name",
        "4 string version_label",
    ),
    "PredictRequest": ("1 ModelSpec model_spec", "2 map Tensor inputs"),
    "PredictResponse": ("1 map Tensor outputs", "2 ModelSpec model_spec"),
    "GetModelMetadataRequest": ("1 ModelSpec model_spec", "2 repeated string metadata_field"),
    "AnyMessage": ("1 string type_url", "2 bytes value"),
    "GetModelMetadataResponse": ("1 ModelSpec model_spec", "2 map AnyMessage metadata"),
    "TensorInfo": ("1 string name", "2 int32 dtype", "3 TensorShape tensor_shape"),
    "SignatureDef": ("1 map TensorInfo inputs", "2 map TensorInfo outputs", "3 string method_name"),
    "SignatureDefMap": ("1 map SignatureDef signature_def",),
    "GetModelStatusRequest": ("1 ModelSpec model_spec",),
    "StatusProto": ("1 int32 error_code", "2 string error_message"),
    "ModelVersionStatus": ("1 int64 version", "2 int32 state", "3 StatusProto status"),
    "GetModelStatusResponse": ("1 repeated ModelVersionStatus model_version_status",),
}
"""Message -> its fields: number, `repeated` or `map` (from string), type, name. Enums are int32,
which is what they are on the wire."""

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS: Mapping[str, Any] = {
    "double": _Field.TYPE_DOUBLE,
    "float": _Field.TYPE_FLOAT,
    "int64": _Field.TYPE_INT64,
    "uint64": _Field.TYPE_UINT64,
    "int32": _Field.TYPE_INT32,
    "uint32": _Field.TYPE_UINT32,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}


def _add_field(message: Any, spec: str) -> None:
    number, *rules, kind, name = spec.split()
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if rules:
        field.label = _Field.LABEL_REPEATED
    if rules == ["map"]:
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, "1 string key")
        _add_field(entry, f"2 {kind} value")
        kind = f"{message.name}.{entry.name}"
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


def _message_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="rankbeam/serving/client.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for spec in fields:
            _add_field(message, spec)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    classes = message_classes(pool, [f"{_PACKAGE}.{name}" for name in FIELDS])
    return dict(zip(FIELDS, classes.values(), strict=True))


_CLASSES = _message_classes()

# Classes made at run time have no static type.
Tensor: Any = _CLASSES["Tensor"]
ModelSpec: Any = _CLASSES["ModelSpec"]
PredictRequest: Any = _CLASSES["PredictRequest"]
PredictResponse: Any = _CLASSES["PredictResponse"]
GetModelMetadataRequest: Any = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse: Any = _CLASSES["GetModelMetadataResponse"]
SignatureDefMap: Any = _CLASSES["SignatureDefMap"]
GetModelStatusRequest: Any = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse: Any = _CLASSES["GetModelStatusResponse"]

STATES: Mapping[int, str] = {
    0: "UNKNOWN",
    10: "START",
    20: "LOADING",
    30: "AVAILABLE",
    40: "UNLOADING",
    50: "END",
}
"""ModelVersionStatus.State: number -> name."""

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

RESPONSES: Mapping[str, Any] = {
    PREDICT: PredictResponse,
    METADATA: GetModelMetadataResponse,
    STATUS: GetModelStatusResponse,
}
"""gRPC method -> class of its answer."""


def serialize(message: Any) -> bytes:
    """Bytes of a message of this module, or of the stock classes: they are the same."""
    data: bytes = message.SerializeToString()
    return data


def model_spec(
    name: str, signature_name: str = "", *, version: int | None = None, label: str | None = None
) -> Any:
    """Which model is asked: a version, or what a label stands for, or the server's choice."""
    spec = ModelSpec(name=name, signature_name=signature_name)
    if version is not None:
        spec.version.value = version
    elif label is not None:
        spec.version_label = label
    return spec
