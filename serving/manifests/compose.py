"""`compose.yaml`: TensorFlow Serving on one machine, with Prometheus and Grafana on demand.

Source of the fields: the Compose Specification (compose-spec.json).
"""

import os
from pathlib import Path
from typing import Any

from rankbeam.serving.manifests.documents import Part, yaml_file
from rankbeam.serving.manifests.plan import (
    GRPC_PORT,
    REST_PORT,
    SETTINGS_FOLDER,
    TLS_FILE,
    TLS_FOLDER,
    Plan,
)
from rankbeam.serving.manifests.quantities import cpu_cores, memory_bytes
from rankbeam.serving.manifests.server_flags import BINARY, server_flags
from rankbeam.serving.manifests.stores import BucketStore

_COMMENT = """\
TensorFlow Serving on one machine, for Docker Compose.

  docker compose up -d --wait                       the server alone
  docker compose --profile monitoring up -d --wait  with Prometheus and Grafana

Environment variables (or a .env file beside this one) change without generating again:
  TF_SERVING_IMAGE         the server's image with its tag
  RANKBEAM_MODELS          the folder of the version folders
  GRAFANA_ADMIN_PASSWORD   Grafana's password (user admin), by default admin
Ports are published on 127.0.0.1 only; BIND_ADDRESS=0.0.0.0 opens them to the network."""

_HARDENED: dict[str, Any] = {
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
}


def compose_file(plan: Plan, folder: Path) -> str:
    """The file's text.

    Args:
        plan: what is deployed.
        folder: absolute folder that the file will stand in; the models' path is relative to it.
    """
    document = {
        "name": plan.name,
        "services": {
            "serving": _serving(plan, folder),
            "prometheus": _prometheus(plan),
            "grafana": _grafana(plan),
        },
        "volumes": {"prometheus": {}, "grafana": {}},
    }
    return yaml_file(plan.config_name, _COMMENT, [Part(document)])


def _serving(plan: Plan, folder: Path) -> dict[str, Any]:
    deployment = plan.deployment
    service = deployment.service
    limits = {"memory": f"{memory_bytes(deployment.resources.memory_limit)}b"}
    if deployment.resources.cpu_limit is not None:
        limits["cpus"] = str(cpu_cores(deployment.resources.cpu_limit))
    reserved = {"memory": f"{memory_bytes(deployment.resources.memory_request)}b"}
    return {
        "image": f"${{TF_SERVING_IMAGE:-{plan.image}}}",
        "entrypoint": [BINARY],
        "command": server_flags(plan),
        "user": f"{deployment.run_as_user}:{deployment.run_as_user}",
        "ports": [_port(service.grpc_port, GRPC_PORT), _port(service.rest_port, REST_PORT)],
        "volumes": _volumes(plan, folder),
        "read_only": True,
        "tmpfs": ["/tmp"],
        **_HARDENED,
        # The server leaves SIGTERM to its default action, which the kernel withholds from process
        # 1; below an init it stops at once instead of when the grace period ends.
        "init": True,
        "stop_grace_period": f"{deployment.drain_s}s",
        "healthcheck": _healthcheck(plan),
        "deploy": {"resources": {"limits": limits, "reservations": reserved}},
    }


def _volumes(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    volumes = [_bind("./config", SETTINGS_FOLDER)]
    if not _reads_bucket(plan):
        host = _relative(plan.host_folder, folder)
        volumes.append(_bind(f"${{RANKBEAM_MODELS:-{host}}}", plan.model_folder))
    if plan.deployment.tls is not None:
        host = _relative(Path(plan.deployment.tls.file).absolute(), folder)
        volumes.append(_bind(host, f"{TLS_FOLDER}/{TLS_FILE}"))
    return volumes


def _relative(path: Path, folder: Path) -> str:
    """A path as Compose takes it, relative to the file: it begins with a dot."""
    found = os.path.relpath(path, folder)
    return found if found.startswith("..") else f"./{found}"


def _reads_bucket(plan: Plan) -> bool:
    store = plan.deployment.model_store
    return isinstance(store, BucketStore) and store.uri.startswith("gs://")


def _bind(source: str, target: str) -> dict[str, Any]:
    """A read-only folder that must be there; Docker would make an empty one of root's."""
    return {
        "type": "bind",
        "source": source,
        "target": target,
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def _port(published: int, target: int) -> dict[str, Any]:
    return {
        "target": target,
        "published": str(published),
        "host_ip": "${BIND_ADDRESS:-127.0.0.1}",
        "protocol": "tcp",
    }


def _healthcheck(plan: Plan) -> dict[str, Any]:
    # The image has no HTTP client; bash opens the port itself. `$$` is Compose's notation of `$`.
    request = f"GET /v1/models/{plan.model_name} HTTP/1.0\\r\\n\\r\\n"
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{REST_PORT} && printf '{request}' >&3 && "
        "grep -q '\"AVAILABLE\"' <&3"
    )
    return {
        "test": ["CMD", "bash", "-c", script],
        "interval": "10s",
        "timeout": "5s",
        "retries": 3,
        "start_period": f"{plan.deployment.start_timeout_s}s",
    }


def _prometheus(plan: Plan) -> dict[str, Any]:
    monitoring = plan.deployment.monitoring
    return {
        "image": monitoring.prometheus_image,
        "profiles": ["monitoring"],
        "command": [
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={monitoring.retention_days}d",
        ],
        "ports": [_port(monitoring.prometheus_port, 9090)],
        "volumes": [
            _bind("./prometheus", "/etc/prometheus"),
            {"type": "volume", "source": "prometheus", "target": "/prometheus"},
        ],
        **_HARDENED,
        "healthcheck": _web_healthcheck("http://127.0.0.1:9090/-/healthy"),
    }


def _grafana(plan: Plan) -> dict[str, Any]:
    monitoring = plan.deployment.monitoring
    return {
        "image": monitoring.grafana_image,
        "profiles": ["monitoring"],
        "environment": {
            "GF_SECURITY_ADMIN_PASSWORD": "${GRAFANA_ADMIN_PASSWORD:-admin}",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        },
        "ports": [_port(monitoring.grafana_port, 3000)],
        "volumes": [
            _bind("./grafana/provisioning", "/etc/grafana/provisioning"),
            _bind("./grafana/dashboards", "/var/lib/grafana-dashboards"),
            {"type": "volume", "source": "grafana", "target": "/var/lib/grafana"},
        ],
        "depends_on": {"prometheus": {"condition": "service_healthy"}},
        **_HARDENED,
        "healthcheck": _web_healthcheck("http://127.0.0.1:3000/api/health"),
    }


def _web_healthcheck(address: str) -> dict[str, Any]:
    return {
        "test": ["CMD", "wget", "-q", "-O", "/dev/null", address],
        "interval": "10s",
        "timeout": "5s",
        "retries": 6,
    }
