"""The text protos, read back by protobuf's own parser into TensorFlow Serving's messages."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from rankbeam.serving.batching_spec import BatchingSpec
from rankbeam.serving.manifests.text_protos import (
    batching_config,
    models_config,
    monitoring_config,
    text_proto,
)
from rankbeam.transform.stack import message_classes
from tests.serving.manifests.plans import BATCHING, EVERYTHING, plan

FIELD = descriptor_pb2.FieldDescriptorProto


def _message_class(name: str, fields: list[tuple[str, int, int, str]]) -> type[Message]:
    """A message of an own pool: (name, type, label, message type) of each field, numbered."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="held", syntax="proto3")
    wrapper = file.message_type.add(name="Int64Value")
    wrapper.field.add(name="value", number=1, type=FIELD.TYPE_INT64, label=FIELD.LABEL_OPTIONAL)
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=FIELD.TYPE_BOOL, label=FIELD.LABEL_OPTIONAL)
    prometheus.field.add(name="path", number=2, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    message = file.message_type.add(name=name)
    for number, (field, kind, label, type_name) in enumerate(fields, start=1):
        message.field.add(
            name=field, number=number, type=kind, label=label, type_name=type_name or None
        )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_classes(pool, [f"held.{name}"])[f"held.{name}"]


def _batching(text: str) -> dict[str, object]:
    wrapped = (FIELD.TYPE_MESSAGE, FIELD.LABEL_OPTIONAL, ".held.Int64Value")
    parameters = _message_class(
        "BatchingParameters",
        [
            ("max_batch_size", *wrapped),
            ("batch_timeout_micros", *wrapped),
            ("max_enqueued_batches", *wrapped),
            ("num_batch_threads", *wrapped),
            ("allowed_batch_sizes", FIELD.TYPE_INT64, FIELD.LABEL_REPEATED, ""),
        ],
    )
    read = text_format.Parse(text, parameters())
    return {
        field.name: list(value) if field.name == "allowed_batch_sizes" else value.value
        for field, value in read.ListFields()
    }


def test_models_config_is_a_model_server_config() -> None:
    text = models_config(plan(EVERYTHING), "/models/shop")
    read = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = read.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == (
        "shop",
        "/models/shop",
        "tensorflow",
    )
    assert model.model_version_policy.WhichOneof("policy_choice") == "latest"
    assert model.model_version_policy.latest.num_versions == 3
    # The official image does not start with a log configured.
    assert not model.HasField("logging_config")


def test_batching_config_says_what_the_config_says() -> None:
    assert _batching(batching_config(BATCHING)) == {
        "max_batch_size": 128,
        "batch_timeout_micros": 1000,
        "max_enqueued_batches": 64,
        "num_batch_threads": 4,
        "allowed_batch_sizes": [32, 128],
    }


def test_batching_config_leaves_to_the_server_what_the_config_does() -> None:
    read = _batching(batching_config(BatchingSpec(max_batch_size=7)))
    assert read == {"max_batch_size": 7, "batch_timeout_micros": 0, "max_enqueued_batches": 100}


def test_monitoring_config_turns_prometheus_on() -> None:
    config = _message_class(
        "MonitoringConfig",
        [
            (
                "prometheus_config",
                FIELD.TYPE_MESSAGE,
                FIELD.LABEL_OPTIONAL,
                ".held.PrometheusConfig",
            )
        ],
    )
    read = text_format.Parse(monitoring_config("/metrics"), config())
    assert text_format.MessageToString(read, as_one_line=True) == (
        'prometheus_config { enable: true path: "/metrics" }'
    )


@pytest.mark.parametrize("path", ['/a"b\\c', "/modèles/\u200b", "/line\nbreak"])
def test_any_text_survives(path: str) -> None:
    text = text_proto([("model_config_list", [("config", [("base_path", path)])])])
    read = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    assert read.model_config_list.config[0].base_path == path
