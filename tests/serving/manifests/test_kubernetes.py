"""The Kubernetes objects: valid by Kubernetes' schemas, and each field where it belongs."""

import copy
from typing import Any

import kubernetes_validate
import pytest

from rankbeam.serving.manifests.kubernetes import kubernetes_file
from rankbeam.serving.manifests.plan import Plan
from rankbeam.transform.errors import ConfigError
from tests.serving.manifests.plans import BATCHING, EVERY_PLAN, EVERYTHING, plan
from tests.serving.manifests.schemas import (
    KUBERNETES_VERSIONS,
    check_kubernetes,
    documents,
    of_kind,
)

KINDS = [
    "PersistentVolumeClaim",
    "ConfigMap",
    "Deployment",
    "Service",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
]


def _pod(text: str) -> Any:
    return of_kind(text, "Deployment")["spec"]["template"]["spec"]


def _container(text: str) -> Any:
    (container,) = _pod(text)["containers"]
    return container


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("wanted", EVERY_PLAN.values(), ids=EVERY_PLAN)
def test_every_object_is_valid_by_the_strict_schema(wanted: Plan, version: str) -> None:
    for document in documents(kubernetes_file(wanted)):
        check_kubernetes(document, version)


def _spoilt(path: list[str | int], value: object) -> dict[str, Any]:
    document = copy.deepcopy(of_kind(kubernetes_file(plan()), "Deployment"))
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["spec", "replica"], 3, "unexpected"),
        (["spec", "template", "spec", "containers", 0, "imagePullPolcy"], "Always", "unexpected"),
        (["spec", "template", "spec", "containers", 0, "args"], "--port=1", "not of type"),
        (["spec", "template", "spec", "terminationGracePeriodSeconds"], "40", "not of type"),
        (["spec", "template", "spec", "containers", 0], {"image": "x"}, "required"),
    ],
)
def test_the_schema_refuses_an_unknown_or_mistyped_field(
    path: list[str | int], value: object, told: str
) -> None:
    with pytest.raises(kubernetes_validate.ValidationError, match=told):
        check_kubernetes(_spoilt(path, value))


def test_objects_come_in_the_order_in_which_they_are_applied() -> None:
    assert [document["kind"] for document in documents(kubernetes_file(plan()))] == KINDS
    everything = documents(kubernetes_file(plan(EVERYTHING)))
    assert [document["kind"] for document in everything] == ["Namespace", *KINDS]


def test_namespace_is_on_every_object_that_lives_in_one() -> None:
    first, *others = documents(kubernetes_file(plan(EVERYTHING)))
    assert first["metadata"] == {"name": "ranking"}
    assert {document["metadata"]["namespace"] for document in others} == {"ranking"}
    for document in documents(kubernetes_file(plan())):
        assert "namespace" not in document["metadata"]


def test_selectors_find_the_pods() -> None:
    text = kubernetes_file(plan(EVERYTHING))
    deployment = of_kind(text, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    assert of_kind(text, "Service")["spec"]["selector"].items() <= labels
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels
    budget = of_kind(text, "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"].items() <= labels
    for spread in _pod(text)["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"].items() <= labels
    target = of_kind(text, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == deployment["metadata"]["name"]


def test_ports_and_mounts_refer_to_what_is_there() -> None:
    text = kubernetes_file(plan(EVERYTHING, batching=BATCHING))
    container = _container(text)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "http-rest": 8501}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    service = of_kind(text, "Service")["spec"]
    assert [(p["port"], p["targetPort"]) for p in service["ports"]] == [
        (9500, "grpc"),
        (9501, "http-rest"),
    ]
    volumes = {volume["name"] for volume in _pod(text)["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    files = of_kind(text, "ConfigMap")["data"]
    flags = dict(flag.split("=", 1) for flag in container["args"])
    for flag in ("--model_config_file", "--batching_parameters_file", "--monitoring_config_file"):
        folder, _, name = flags[flag].rpartition("/")
        assert folder == "/etc/tensorflow-serving"
        assert name in files


def test_every_setting_of_the_config_is_used() -> None:
    text = kubernetes_file(plan(EVERYTHING))
    container, pod = _container(text), _pod(text)
    assert container["image"] == "registry.example/serving:2.18.0"
    assert pod["serviceAccountName"] == "model-reader"
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "memory": "3Gi"},
        "limits": {"cpu": "4", "memory": "6Gi"},
    }
    assert {"--file_system_poll_wait_seconds=7", "--rest_api_timeout_in_ms=1500"} <= set(
        container["args"]
    )
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "33"]
    assert pod["terminationGracePeriodSeconds"] > 33
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 4321
    probe = container["startupProbe"]
    assert 121 <= probe["periodSeconds"] * probe["failureThreshold"] < 121 + 5
    service = of_kind(text, "Service")
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["metadata"]["annotations"] == {"example.com/internal": "true"}
    scaler = of_kind(text, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 20)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 55
    annotations = of_kind(text, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == "/metrics"
    assert annotations["prometheus.io/port"] == "8501"
    claim = of_kind(text, "PersistentVolumeClaim")["spec"]
    assert claim["resources"]["requests"]["storage"] == "50Gi"
    assert (claim["storageClassName"], claim["accessModes"]) == ("fast.csi", ["ReadWriteOnce"])


def test_pods_meet_the_restricted_security_standard() -> None:
    text = kubernetes_file(plan())
    security = _container(text)["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    pod = _pod(text)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False


def _models(text: str) -> tuple[list[Any], list[Any]]:
    volumes = [volume for volume in _pod(text)["volumes"] if volume["name"] == "models"]
    mounts = [m for m in _container(text)["volumeMounts"] if m["name"] == "models"]
    return volumes, mounts


def test_models_come_from_the_store_of_the_config() -> None:
    volumes, mounts = _models(kubernetes_file(plan(EVERYTHING)))
    assert volumes[0]["persistentVolumeClaim"]["claimName"] == "shop-models"
    assert mounts[0]["subPath"] == "shop/pushed"
    assert mounts[0]["mountPath"] == "/models/shop"
    assert mounts[0]["readOnly"] is True
    volumes, mounts = _models(kubernetes_file(EVERY_PLAN["existing claim"]))
    assert volumes[0]["persistentVolumeClaim"]["claimName"] == "shared"
    assert "subPath" not in mounts[0]
    volumes, mounts = _models(kubernetes_file(EVERY_PLAN["folder"]))
    assert volumes[0]["hostPath"] == {"path": "/mnt/models/shop", "type": "Directory"}
    text = kubernetes_file(EVERY_PLAN["bucket"])
    assert _models(text) == ([], [])
    assert '"gs://models/shop"' in of_kind(text, "ConfigMap")["data"]["models.config"]


def test_only_a_claim_that_is_missing_is_made() -> None:
    for name in ("existing claim", "bucket", "folder"):
        kinds = [document["kind"] for document in documents(kubernetes_file(EVERY_PLAN[name]))]
        assert "PersistentVolumeClaim" not in kinds


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ({"kind": "bucket", "uri": "s3://models/shop"}, r"must begin with gs://.*got s3://models"),
        ({"kind": "folder", "path": "pushed"}, r"path must be absolute for Kubernetes; got pushed"),
    ],
)
def test_a_store_that_the_image_cannot_read_is_refused(store: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        kubernetes_file(plan({"model_store": store}))


def test_other_settings_start_other_pods() -> None:
    def digest(wanted: Plan) -> str:
        template = of_kind(kubernetes_file(wanted), "Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["rankbeam/settings-sha256"])

    assert digest(plan()) == digest(plan({"replicas": {"min": 5}}))
    assert digest(plan()) != digest(plan({"keep_versions": 2}))
    assert digest(plan()) != digest(plan(batching=BATCHING))


def test_certificates_come_from_the_secret() -> None:
    text = kubernetes_file(plan(EVERYTHING))
    (volume,) = [volume for volume in _pod(text)["volumes"] if volume["name"] == "tls"]
    assert volume["secret"]["secretName"] == "shop-tls"
    (mount,) = [mount for mount in _container(text)["volumeMounts"] if mount["name"] == "tls"]
    flag = f"--ssl_config_file={mount['mountPath']}/{volume['secret']['items'][0]['path']}"
    assert flag in _container(text)["args"]
    assert "ssl_config" not in kubernetes_file(plan())


def test_replicas_are_left_to_the_autoscaler() -> None:
    assert "replicas" not in of_kind(kubernetes_file(plan()), "Deployment")["spec"]
