"""Plain Kubernetes objects of a model's servers, in the order in which they are applied.

Source of the fields: the Kubernetes API reference (core/v1, apps/v1, autoscaling/v2, policy/v1).
"""

from typing import Any

from rankbeam.serving.manifests.documents import Part, yaml_file
from rankbeam.serving.manifests.labels import metadata, selector
from rankbeam.serving.manifests.plan import Plan
from rankbeam.serving.manifests.pod import pod_template
from rankbeam.serving.manifests.settings_files import SETTINGS_SUFFIX, settings, settings_map
from rankbeam.serving.manifests.stores import (
    BucketStore,
    ClaimStore,
    FolderStore,
    ModelStore,
)
from rankbeam.transform.errors import ConfigError

_COMMENT = """\
TensorFlow Serving on Kubernetes; apply it as it is:

  kubectl apply -f kubernetes.yaml

The servers become ready once the model store holds a complete version folder."""

_SCALE_DOWN_AFTER_S = 300


def kubernetes_file(plan: Plan) -> str:
    """The text of `kubernetes.yaml`.

    Raises:
        ConfigError: the image cannot read the model store.
    """
    _check_store(plan.deployment.model_store)
    parts = [
        *namespace(plan),
        *claim(plan),
        Part(
            settings_map(plan, settings(plan), SETTINGS_SUFFIX),
            "TensorFlow Serving's own settings; a change of them starts new servers.",
        ),
        Part(_deployment(plan), "It names no replicas: the autoscaler below decides."),
        Part(_service(plan)),
        Part(_autoscaler(plan)),
        Part(_disruption_budget(plan), "Nodes are drained one server at a time."),
    ]
    return yaml_file(plan.config_name, _COMMENT, parts)


def _check_store(store: ModelStore) -> None:
    field = "serving.deployment.model_store"
    if isinstance(store, BucketStore) and not store.uri.startswith("gs://"):
        raise ConfigError(
            f"{field}.uri must begin with gs:// for plain Kubernetes, since the tensorflow/serving "
            f"image reads no other bucket (KServe copies from one); got {store.uri}"
        )
    if isinstance(store, FolderStore) and not store.path.startswith("/"):
        raise ConfigError(f"{field}.path must be absolute for Kubernetes; got {store.path}")


def namespace(plan: Plan) -> list[Part]:
    """The Namespace, where the config asks for one."""
    if not plan.deployment.create_namespace:
        return []
    return [
        Part(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": plan.deployment.namespace},
            }
        )
    ]


def claim(plan: Plan) -> list[Part]:
    """The volume claim, where the model store is one that does not exist yet."""
    store = plan.deployment.model_store
    if not isinstance(store, ClaimStore) or store.claim is not None:
        return []
    spec: dict[str, Any] = {
        "accessModes": [store.access_mode],
        "resources": {"requests": {"storage": store.size}},
    }
    if store.storage_class is not None:
        spec["storageClassName"] = store.storage_class
    content = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(plan, "-models"),
        "spec": spec,
    }
    return [
        Part(
            content,
            "The model store. Runs push to this volume (push.destination), or a version is\n"
            "copied there under another name and then renamed to its number, so that no server\n"
            "sees half of it.",
        )
    ]


def _deployment(plan: Plan) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan),
        "spec": {
            "revisionHistoryLimit": 5,
            "progressDeadlineSeconds": plan.deployment.start_timeout_s + 60,
            "selector": {"matchLabels": selector(plan)},
            # New servers come before old ones go: no request is lost to a roll-out.
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": pod_template(plan),
        },
    }


def _service(plan: Plan) -> dict[str, Any]:
    service = plan.deployment.service
    described = metadata(plan)
    if service.annotations:
        described["annotations"] = dict(sorted(service.annotations.items()))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": described,
        "spec": {
            "type": service.type,
            "selector": selector(plan),
            "ports": [
                {
                    "name": "grpc",
                    "port": service.grpc_port,
                    "targetPort": "grpc",
                    "protocol": "TCP",
                    "appProtocol": "kubernetes.io/h2c",
                },
                {
                    "name": "http-rest",
                    "port": service.rest_port,
                    "targetPort": "http-rest",
                    "protocol": "TCP",
                    "appProtocol": "http",
                },
            ],
        },
    }


def _autoscaler(plan: Plan) -> dict[str, Any]:
    replicas = plan.deployment.replicas
    target = {"type": "Utilization", "averageUtilization": replicas.target_cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(plan),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": plan.name},
            "minReplicas": replicas.min,
            "maxReplicas": replicas.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": _SCALE_DOWN_AFTER_S}},
        },
    }


def _disruption_budget(plan: Plan) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(plan),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector(plan)}},
    }
