"""The pod of one TensorFlow Serving server."""

import hashlib
import json
from typing import Any

from rankbeam.serving.manifests.labels import metadata, selector
from rankbeam.serving.manifests.plan import (
    GRPC_PORT,
    REST_PORT,
    SETTINGS_FOLDER,
    TLS_FILE,
    TLS_FOLDER,
    Plan,
)
from rankbeam.serving.manifests.server_flags import BINARY, server_flags
from rankbeam.serving.manifests.settings_files import SETTINGS_SUFFIX, settings
from rankbeam.serving.manifests.stores import ClaimStore, FolderStore

_PROBE_PERIOD_S = 5
# From the end of the drain to SIGKILL. As process 1 the server ignores SIGTERM, so this is always
# waited out; what was in flight is answered long before.
_STOP_S = 10


def pod_template(plan: Plan) -> dict[str, Any]:
    """The Deployment's pod template."""
    digest = hashlib.sha256(json.dumps(settings(plan), sort_keys=True).encode()).hexdigest()
    annotations = {
        # Servers read their settings at the start only: other settings, other servers.
        "rankbeam/settings-sha256": digest,
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(REST_PORT),
        "prometheus.io/path": plan.deployment.monitoring.path,
    }
    labels = metadata(plan)["labels"]
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": _pod(plan)}


def pod_security(plan: Plan) -> dict[str, Any]:
    """A pod's security context: one user that is not root."""
    user = plan.deployment.run_as_user
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """A container's security context: no way to more rights, and nothing to write to."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(plan: Plan) -> dict[str, Any]:
    """A container's requests and limits."""
    spec = plan.deployment.resources
    limits = {"memory": spec.memory_limit}
    if spec.cpu_limit is not None:
        limits["cpu"] = spec.cpu_limit
    return {"requests": {"cpu": spec.cpu_request, "memory": spec.memory_request}, "limits": limits}


def settings_volume(plan: Plan, suffix: str) -> dict[str, Any]:
    """The volume of a settings ConfigMap."""
    return {"name": "settings", "configMap": {"name": f"{plan.name}{suffix}"}}


SETTINGS_MOUNT = {"name": "settings", "mountPath": SETTINGS_FOLDER, "readOnly": True}


def _pod(plan: Plan) -> dict[str, Any]:
    deployment = plan.deployment
    account: dict[str, Any] = {}
    if deployment.service_account is not None:
        account["serviceAccountName"] = deployment.service_account
    return {
        **account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(plan),
        "terminationGracePeriodSeconds": deployment.drain_s + _STOP_S,
        "topologySpreadConstraints": [
            _spread(plan, "topology.kubernetes.io/zone"),
            _spread(plan, "kubernetes.io/hostname"),
        ],
        "containers": [_container(plan)],
        "volumes": [
            settings_volume(plan, SETTINGS_SUFFIX),
            {"name": "scratch", "emptyDir": {}},
            *_model_volumes(plan),
            *_tls_volumes(plan),
        ],
    }


def _container(plan: Plan) -> dict[str, Any]:
    return {
        "name": "serving",
        "image": plan.image,
        "command": [BINARY],
        "args": server_flags(plan),
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
            {"name": "http-rest", "containerPort": REST_PORT, "protocol": "TCP"},
        ],
        "resources": resources(plan),
        "securityContext": container_security(),
        **_probes(plan),
        # The server goes on answering while balancers learn that it is about to stop.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(plan.deployment.drain_s)]}}},
        "volumeMounts": [
            SETTINGS_MOUNT,
            {"name": "scratch", "mountPath": "/tmp"},
            *_model_mounts(plan),
            *_tls_mounts(plan),
        ],
    }


def _probes(plan: Plan) -> dict[str, Any]:
    status = f"/v1/models/{plan.model_name}"
    attempts = -(-plan.deployment.start_timeout_s // _PROBE_PERIOD_S)
    return {
        "startupProbe": _probe(status, attempts),
        # Metadata need a version in memory; the status is answered without one.
        "readinessProbe": _probe(f"{status}/metadata", 2),
        "livenessProbe": _probe(status, 6),
    }


def _probe(path: str, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http-rest"},
        "periodSeconds": _PROBE_PERIOD_S,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def _spread(plan: Plan, key: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(plan)},
    }


def _model_volumes(plan: Plan) -> list[dict[str, Any]]:
    store = plan.deployment.model_store
    if isinstance(store, ClaimStore):
        claim = {"claimName": store.claim or f"{plan.name}-models", "readOnly": True}
        return [{"name": "models", "persistentVolumeClaim": claim}]
    if isinstance(store, FolderStore):
        return [{"name": "models", "hostPath": {"path": store.path, "type": "Directory"}}]
    return []


def _model_mounts(plan: Plan) -> list[dict[str, Any]]:
    store = plan.deployment.model_store
    mount: dict[str, Any] = {"name": "models", "mountPath": plan.model_folder, "readOnly": True}
    if isinstance(store, ClaimStore):
        return [{**mount, "subPath": store.sub_path} if store.sub_path else mount]
    return [mount] if isinstance(store, FolderStore) else []


def _tls_volumes(plan: Plan) -> list[dict[str, Any]]:
    tls = plan.deployment.tls
    if tls is None:
        return []
    items = [{"key": TLS_FILE, "path": TLS_FILE}]
    return [{"name": "tls", "secret": {"secretName": tls.secret, "items": items}}]


def _tls_mounts(plan: Plan) -> list[dict[str, Any]]:
    if plan.deployment.tls is None:
        return []
    return [{"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True}]
