"""The config's `serving.deployment`: what it takes and refuses."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from rankbeam.serving.manifests.quantities import cpu_cores, memory_bytes
from rankbeam.serving.manifests.spec import DeploymentSpec
from tests.serving.manifests.plans import EVERYTHING


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"replica": {}}, "Extra inputs are not permitted"),
        ({"tag": "lat est"}, "should match pattern"),
        ({"image": "Repo/x"}, "should match pattern"),
        ({"namespace": "Shop"}, "should match pattern"),
        ({"create_namespace": True}, "namespace must be given with create_namespace"),
        ({"replicas": {"min": 3, "max": 2}}, r"max must be >= min \(3\); got 2"),
        ({"replicas": {"target_cpu_percent": 0}}, "greater than or equal to 1"),
        ({"resources": {"cpu_request": "2 cores"}}, "should match pattern"),
        ({"resources": {"cpu_request": "0"}}, "should match pattern"),
        ({"resources": {"cpu_request": "2", "cpu_limit": "1500m"}}, r"cpu_limit must be >= "),
        ({"resources": {"memory_request": "2GB"}}, "should match pattern"),
        ({"resources": {"memory_request": "5Gi"}}, r"memory_limit must be >= memory_request \(5Gi"),
        ({"service": {"grpc_port": 9000, "rest_port": 9000}}, "rest_port must differ from grpc"),
        ({"service": {"type": "Ingress"}}, "'ClusterIP', 'NodePort' or 'LoadBalancer'"),
        ({"monitoring": {"path": "metrics"}}, "should match pattern"),
        ({"monitoring": {"path": "/v1/metrics"}}, "must not begin with /v1/"),
        ({"tls": {}}, "secret"),
        ({"monitoring": {"grafana_image": "grafana/grafana"}}, "should match pattern"),
        ({"model_store": {"kind": "disk"}}, "does not match any of the expected tags"),
        ({"model_store": {"kind": "claim", "sub_path": "../other"}}, "must stay inside the volume"),
        ({"model_store": {"kind": "claim", "sub_path": "/other"}}, "must stay inside the volume"),
        ({"model_store": {"kind": "bucket", "uri": "gs://models/"}}, "should match pattern"),
        ({"model_store": {"kind": "bucket", "uri": "file:///models"}}, "should match pattern"),
        ({"run_as_user": 0}, "greater than or equal to 1"),
        ({"kserve_protocol": "v2"}, "'v1' or 'grpc-v1'"),
    ],
)
def test_a_bad_section_is_refused(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DeploymentSpec.model_validate(section)


def _fields(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def test_the_example_sets_every_field() -> None:
    # The tests of each file rest on it: a field that it lacks would go untested.
    assert set(EVERYTHING) == _fields(DeploymentSpec)
    spec = DeploymentSpec.model_validate(EVERYTHING)
    for name in ("replicas", "resources", "service", "monitoring"):
        section = getattr(spec, name)
        assert set(EVERYTHING[name]) == _fields(type(section))
        default = type(section)()
        for field in EVERYTHING[name]:
            assert getattr(section, field) != getattr(default, field), field


def test_every_field_is_described() -> None:
    def undescribed(schema: dict[str, Any]) -> list[str]:
        return [
            f"{owner}.{name}"
            for owner, model in {"": schema, **schema["$defs"]}.items()
            for name, field in model.get("properties", {}).items()
            if "description" not in field and "$ref" not in field and "const" not in field
        ]

    assert undescribed(DeploymentSpec.model_json_schema()) == []


@pytest.mark.parametrize(
    ("quantity", "cores"), [("500m", "0.5"), ("2", "2"), ("1.5", "1.5"), ("0.25", "0.25")]
)
def test_cpu_is_read_as_kubernetes_does(quantity: str, cores: str) -> None:
    assert cpu_cores(quantity) == Decimal(cores)


@pytest.mark.parametrize(
    ("quantity", "size"), [("1Ki", 1024), ("2Gi", 2_147_483_648), ("3M", 3_000_000), ("7", 7)]
)
def test_memory_is_read_as_kubernetes_does(quantity: str, size: int) -> None:
    assert memory_bytes(quantity) == size
