"""`kserve.yaml`: an InferenceService whose predictor is TensorFlow Serving.

Source of the fields: KServe's serving.kserve.io/v1beta1 API and its ClusterServingRuntime
`kserve-tensorflow-serving`, whose ports (gRPC 9000, REST 8080), model folder and metrics path
these objects keep to.
"""

from typing import Any, Final

from rankbeam.serving.manifests.documents import Part, yaml_file
from rankbeam.serving.manifests.kubernetes import claim, namespace
from rankbeam.serving.manifests.labels import metadata
from rankbeam.serving.manifests.plan import Plan
from rankbeam.serving.manifests.pod import (
    SETTINGS_MOUNT,
    container_security,
    pod_security,
    resources,
    settings_volume,
)
from rankbeam.serving.manifests.server_flags import common_flags
from rankbeam.serving.manifests.settings_files import common_settings, settings_map
from rankbeam.serving.manifests.stores import BucketStore, ClaimStore
from rankbeam.transform.errors import ConfigError

_COMMENT = """\
TensorFlow Serving under KServe; apply it as it is:

  kubectl apply -f kserve.yaml

From a volume, new versions are served as they are pushed. From a bucket, KServe copies what is
there when a pod starts, so a new version needs new pods (kubectl rollout restart)."""

_SUFFIX: Final = "-kserve-settings"
_METRICS_PATH: Final = "/metrics"
_GRPC_PORT: Final = 9000


def kserve_file(plan: Plan) -> str:
    """The text of `kserve.yaml`.

    Raises:
        ConfigError: the model store is a folder, which KServe cannot reach, or the server is to
            have certificates, which KServe's gateway holds.
    """
    if plan.deployment.tls is not None:
        raise ConfigError(
            "serving.deployment.tls must be absent for KServe, whose gateway holds the "
            f"certificates; got the secret {plan.deployment.tls.secret}"
        )
    files = common_settings(plan, _METRICS_PATH)
    parts = [
        *namespace(plan),
        *claim(plan),
        Part(settings_map(plan, files, _SUFFIX), "TensorFlow Serving's own settings."),
        Part(_inference_service(plan)),
    ]
    return yaml_file(plan.config_name, _COMMENT, parts)


def _inference_service(plan: Plan) -> dict[str, Any]:
    annotations = {
        # A plain Deployment with a CPU autoscaler: Knative's one port and scale to zero, which
        # would load a model while a request waits, do not suit ranking.
        "serving.kserve.io/deploymentMode": "RawDeployment",
        "serving.kserve.io/autoscalerClass": "hpa",
        "serving.kserve.io/enable-prometheus-scraping": "true",
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {**metadata(plan), "annotations": annotations},
        "spec": {"predictor": _predictor(plan)},
    }


def _predictor(plan: Plan) -> dict[str, Any]:
    deployment = plan.deployment
    account: dict[str, Any] = {}
    if deployment.service_account is not None:
        account["serviceAccountName"] = deployment.service_account
    return {
        **account,
        "minReplicas": deployment.replicas.min,
        "maxReplicas": deployment.replicas.max,
        "scaleMetric": "cpu",
        "scaleTarget": deployment.replicas.target_cpu_percent,
        "terminationGracePeriodSeconds": deployment.drain_s + 10,
        "securityContext": pod_security(plan),
        "volumes": [settings_volume(plan, _SUFFIX), {"name": "scratch", "emptyDir": {}}],
        "model": _model(plan),
    }


def _model(plan: Plan) -> dict[str, Any]:
    protocol = plan.deployment.kserve_protocol
    ports = {"ports": [{"name": "h2c", "containerPort": _GRPC_PORT, "protocol": "TCP"}]}
    return {
        "modelFormat": {"name": "tensorflow", "version": "2"},
        "protocolVersion": protocol,
        "storageUri": _storage_uri(plan),
        "image": plan.image,
        "args": [
            # KServe names the model after the InferenceService; the last of two flags counts.
            f"--model_name={plan.model_name}",
            f"--file_system_poll_wait_seconds={plan.deployment.poll_s}",
            f"--rest_api_timeout_in_ms={plan.deployment.rest_timeout_ms}",
            *common_flags(plan),
        ],
        **(ports if protocol == "grpc-v1" else {}),
        "resources": resources(plan),
        "securityContext": container_security(),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(plan.deployment.drain_s)]}}},
        "volumeMounts": [SETTINGS_MOUNT, {"name": "scratch", "mountPath": "/tmp"}],
    }


def _storage_uri(plan: Plan) -> str:
    store = plan.deployment.model_store
    if isinstance(store, BucketStore):
        return store.uri
    if isinstance(store, ClaimStore):
        return f"pvc://{store.claim or f'{plan.name}-models'}/{store.sub_path}".rstrip("/")
    raise ConfigError(
        "serving.deployment.model_store.kind must be claim or bucket for KServe; got folder"
    )
