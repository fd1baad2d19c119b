"""TensorFlow Serving's settings messages that its Python package leaves out, defined at run time.

Names, numbers and types are those of tensorflow_serving/config/ssl_config.proto,
config/monitoring_config.proto and servables/tensorflow/session_bundle_config.proto. They live in a
descriptor pool of their own, so that they cannot clash with another copy in the same process.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2
from google.protobuf.message import Message

from rankbeam.transform.stack import message_classes

_PACKAGE = "tensorflow.serving"
_FILE = "rankbeam/serving/settings.proto"
_Field = descriptor_pb2.FieldDescriptorProto

_Number: TypeAlias = tuple[int, str]
_INT64 = ".google.protobuf.Int64Value"
_STRING = ".google.protobuf.StringValue"
_BOOL = ".google.protobuf.BoolValue"
_SCALARS: Mapping[str, Any] = {
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "int64": _Field.TYPE_INT64,
}

# Message -> field -> number and type; `*` marks a repeated field.
_MESSAGES: Mapping[str, Mapping[str, _Number]] = {
    "SSLConfig": {
        "server_key": (1, "string"),
        "server_cert": (2, "string"),
        "custom_ca": (3, "string"),
        "client_verify": (4, "bool"),
    },
    "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
    "MonitoringConfig": {"prometheus_config": (1, f".{_PACKAGE}.PrometheusConfig")},
    "BatchingParameters": {
        "max_batch_size": (1, _INT64),
        "batch_timeout_micros": (2, _INT64),
        "max_enqueued_batches": (3, _INT64),
        "num_batch_threads": (4, _INT64),
        "thread_pool_name": (5, _STRING),
        "allowed_batch_sizes": (6, "*int64"),
        "pad_variable_length_inputs": (7, "bool"),
        "enable_large_batch_splitting": (8, _BOOL),
        "max_execution_batch_size": (9, _INT64),
    },
}


def _file_descriptor() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name=_FILE, package=_PACKAGE, syntax="proto3", dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            repeated = kind.startswith("*")
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            field = described.field.add(name=name, number=number, label=label)
            if kind.startswith("."):
                field.type, field.type_name = _Field.TYPE_MESSAGE, kind
            else:
                field.type = _SCALARS[kind.lstrip("*")]
    return file


def _build() -> dict[str, type[Message]]:
    pool = descriptor_pool.DescriptorPool()
    for file in (wrappers_pb2.DESCRIPTOR.serialized_pb, _file_descriptor().SerializeToString()):
        pool.AddSerializedFile(file)
    classes = message_classes(pool, [f"{_PACKAGE}.{name}" for name in _MESSAGES])
    return dict(zip(_MESSAGES, classes.values(), strict=True))


_CLASSES = _build()
SSLConfig = _CLASSES["SSLConfig"]
MonitoringConfig = _CLASSES["MonitoringConfig"]
BatchingParameters = _CLASSES["BatchingParameters"]
