"""What differs between the stacks works on the one that runs the test."""

import subprocess
import sys
from typing import Any

import kfp_server_api
import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    json_format,
    type_pb2,
)

from rankbeam.transform.stack import (
    JSON_DEFAULTS,
    client_method,
    described_service,
    message_classes,
)

_Field = descriptor_pb2.FieldDescriptorProto


def test_message_classes_of_descriptions_made_at_run_time() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="p.proto", package="p", syntax="proto3")
    message = file.message_type.add(name="Pair")
    for number, name in enumerate(("left", "right"), start=1):
        message.field.add(
            name=name, number=number, type=_Field.TYPE_INT64, label=_Field.LABEL_OPTIONAL
        )
    outer = file.message_type.add(name="Pairs")
    outer.field.add(
        name="rows",
        number=1,
        type=_Field.TYPE_MESSAGE,
        type_name=".p.Pair",
        label=_Field.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    pair, pairs = message_classes(pool, ["p.Pair", "p.Pairs"]).values()
    # Field 1 as a varint, then field 2: tags 08 and 10, by hand.
    assert pair(left=1, right=150).SerializeToString() == b"\x08\x01\x10\x96\x01"
    assert pair.FromString(b"\x10\x05") == pair(right=5)
    assert pairs(rows=[pair(right=5)]).SerializeToString() == b"\x0a\x02\x10\x05"


def test_json_with_defaults_writes_what_is_not_set() -> None:
    options: dict[str, Any] = {**JSON_DEFAULTS}
    written = json_format.MessageToDict(type_pb2.EnumValue(name="a"), **options)
    assert written == {"name": "a", "number": 0, "options": []}


@pytest.mark.parametrize(
    ("module", "name", "methods"),
    [
        (
            "prediction_service_pb2",
            "PredictionService",
            {"Classify", "GetModelMetadata", "MultiInference", "Predict", "Regress"},
        ),
        ("model_service_pb2", "ModelService", {"GetModelStatus", "HandleReloadConfigRequest"}),
    ],
)
def test_services_of_tensorflow_serving_are_described(
    module: str, name: str, methods: set[str]
) -> None:
    full = f"tensorflow.serving.{name}"
    assert described_service(f"tensorflow_serving.apis.{module}", full) == full
    described = descriptor_pool.Default().FindServiceByName(full)
    assert {method.name for method in described.methods} == methods


def test_service_that_is_not_described_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"no\.such\.Service"):
        described_service("tensorflow_serving.apis.model_service_pb2", "no.such.Service")


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("ExperimentServiceApi", "list_experiments"),
        ("HealthzServiceApi", "get_healthz"),
        ("PipelineServiceApi", "list_pipeline_versions"),
        ("PipelineUploadServiceApi", "upload_pipeline_version"),
        ("RunServiceApi", "get_run"),
    ],
)
def test_calls_of_kubeflows_client_are_found_by_the_protocols_names(
    service: str, name: str
) -> None:
    found = client_method(getattr(kfp_server_api, service)(), name)
    assert found.__name__.endswith(name)


def test_call_that_kubeflows_client_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no_such_call"):
        client_method(kfp_server_api.RunServiceApi(), "no_such_call")


def test_stack_loads_without_the_large_libraries() -> None:
    code = (
        "import sys, rankbeam.transform.stack; "
        "print(sorted({'tensorflow', 'numpy', 'tfx', 'apache_beam'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert answer.stdout.strip() == b"[]"
