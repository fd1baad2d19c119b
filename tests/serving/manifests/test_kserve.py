"""The InferenceService, judged piece by piece by Kubernetes' own schemas.

KServe's predictor is a PodSpec and its model a Container, each with fields of KServe's own. Without
those, what is left must be a valid pod; KServe's own are held to the lists below, written down from
the API's reference (serving.kserve.io/v1beta1: ComponentExtensionSpec, ModelSpec).
"""

import re
from typing import Any

import kubernetes_validate
import pytest

from rankbeam.serving.manifests.kserve import kserve_file
from rankbeam.serving.manifests.plan import Plan
from rankbeam.transform.errors import ConfigError
from tests.serving.manifests.plans import BATCHING, EVERY_PLAN, WITHOUT_TLS, plan
from tests.serving.manifests.schemas import check_kubernetes, documents, of_kind

PREDICTOR_FIELDS: dict[str, type] = {
    "minReplicas": int,
    "maxReplicas": int,
    "scaleMetric": str,
    "scaleTarget": int,
    "model": dict,
}
MODEL_FIELDS: dict[str, type] = {"modelFormat": dict, "protocolVersion": str, "storageUri": str}
SUPPORTED = {
    name: wanted for name, wanted in EVERY_PLAN.items() if name not in {"folder", "everything"}
}


def _split(fields: dict[str, Any], own: dict[str, type]) -> tuple[dict[str, Any], dict[str, Any]]:
    """KServe's own fields, of the right type, and the rest."""
    mine = {name: fields[name] for name in own if name in fields}
    for name, value in mine.items():
        assert type(value) is own[name], name
    return mine, {name: value for name, value in fields.items() if name not in own}


def _check(service: dict[str, Any]) -> None:
    """Holds an InferenceService to the structure in this module's docstring."""
    assert set(service) == {"apiVersion", "kind", "metadata", "spec"}
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert set(service["spec"]) == {"predictor"}
    predictor, pod = _split(service["spec"]["predictor"], PREDICTOR_FIELDS)
    model, container = _split(predictor["model"], MODEL_FIELDS)
    assert set(model["modelFormat"]) == {"name", "version"}
    assert re.fullmatch(r"(gs|s3|pvc)://[^/]+(/[^/]+)*", model["storageUri"])
    container = {"name": "kserve-container", **container}
    check_kubernetes(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": service["metadata"],
            "spec": {**pod, "containers": [container]},
        }
    )


def _service(wanted: Plan) -> dict[str, Any]:
    return of_kind(kserve_file(wanted), "InferenceService")


@pytest.mark.parametrize("wanted", SUPPORTED.values(), ids=SUPPORTED)
def test_every_object_is_valid(wanted: Plan) -> None:
    for document in documents(kserve_file(wanted)):
        if document["kind"] == "InferenceService":
            _check(document)
        else:
            check_kubernetes(document)


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        ("predictor", "replicas", 2),
        ("model", "storageURI", "gs://x"),
        ("model", "args", "--port=1"),
    ],
)
def test_the_check_refuses_an_unknown_or_mistyped_field(
    place: str, field: str, value: object
) -> None:
    service = _service(plan())
    predictor = service["spec"]["predictor"]
    (predictor if place == "predictor" else predictor["model"])[field] = value
    with pytest.raises(kubernetes_validate.ValidationError, match=r"unexpected|is not of type"):
        _check(service)


@pytest.mark.parametrize(
    ("store", "uri"),
    [
        ({"kind": "claim"}, "pvc://shop-models"),
        ({"kind": "claim", "claim": "shared", "sub_path": "a/b"}, "pvc://shared/a/b"),
        ({"kind": "bucket", "uri": "s3://models/shop"}, "s3://models/shop"),
    ],
)
def test_storage_uri_names_the_store(store: dict[str, str], uri: str) -> None:
    predictor = _service(plan({"model_store": store}))["spec"]["predictor"]
    assert predictor["model"]["storageUri"] == uri


def test_a_folder_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be claim or bucket for KServe; got folder"):
        kserve_file(EVERY_PLAN["folder"])


def test_certificates_of_the_server_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be absent for KServe.*got the secret shop-tls"):
        kserve_file(EVERY_PLAN["everything"])


def test_every_setting_of_the_config_is_used() -> None:
    predictor = _service(plan(WITHOUT_TLS, batching=BATCHING))["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (3, 20)
    assert (predictor["scaleMetric"], predictor["scaleTarget"]) == ("cpu", 55)
    assert predictor["serviceAccountName"] == "model-reader"
    assert predictor["securityContext"]["runAsUser"] == 4321
    assert predictor["terminationGracePeriodSeconds"] > 33
    model = predictor["model"]
    assert model["image"] == "registry.example/serving:2.18.0"
    assert model["resources"]["limits"] == {"cpu": "4", "memory": "6Gi"}
    assert {
        "--model_name=shop",
        "--file_system_poll_wait_seconds=7",
        "--rest_api_timeout_in_ms=1500",
        "--enable_batching=true",
    } <= set(model["args"])
    assert model["protocolVersion"] == "grpc-v1"
    assert [(port["name"], port["containerPort"]) for port in model["ports"]] == [("h2c", 9000)]


def test_rest_leaves_the_ports_to_kserve() -> None:
    model = _service(plan())["spec"]["predictor"]["model"]
    assert model["protocolVersion"] == "v1"
    assert "ports" not in model


def test_the_settings_that_flags_name_are_in_the_map() -> None:
    text = kserve_file(plan(batching=BATCHING))
    predictor = of_kind(text, "InferenceService")["spec"]["predictor"]
    files = of_kind(text, "ConfigMap")
    assert predictor["volumes"][0]["configMap"]["name"] == files["metadata"]["name"]
    named = {flag.rpartition("/")[2] for flag in predictor["model"]["args"] if "/etc/" in flag}
    assert named == set(files["data"]) == {"monitoring.config", "batching.config"}
    assert 'path: "/metrics"' in files["data"]["monitoring.config"]
