"""Plans of deployments to generate files for, from the smallest to one that sets everything."""

from pathlib import Path
from typing import Any, Final

from rankbeam.serving.batching_spec import BatchingSpec
from rankbeam.serving.manifests.plan import Plan
from rankbeam.serving.manifests.spec import DeploymentSpec

OUTPUT: Final = Path("/srv/shop/deploy")
EVERYTHING: Final[dict[str, Any]] = {
    "image": "registry.example/serving",
    "tag": "2.18.0",
    "namespace": "ranking",
    "create_namespace": True,
    "service_account": "model-reader",
    "model_store": {
        "kind": "claim",
        "sub_path": "shop/pushed",
        "size": "50Gi",
        "storage_class": "fast.csi",
        "access_mode": "ReadWriteOnce",
    },
    "keep_versions": 3,
    "poll_s": 7,
    "rest_timeout_ms": 1500,
    "replicas": {"min": 3, "max": 20, "target_cpu_percent": 55},
    "resources": {
        "cpu_request": "1500m",
        "cpu_limit": "4",
        "memory_request": "3Gi",
        "memory_limit": "6Gi",
    },
    "service": {
        "type": "LoadBalancer",
        "grpc_port": 9500,
        "rest_port": 9501,
        "annotations": {"example.com/internal": "true"},
    },
    "monitoring": {
        "path": "/metrics",
        "scrape_interval_s": 5,
        "retention_days": 3,
        "prometheus_image": "registry.example/prometheus:v9",
        "grafana_image": "registry.example/grafana:9",
        "prometheus_port": 19090,
        "grafana_port": 13000,
    },
    "tls": {"secret": "shop-tls", "file": "/srv/shop/tls/ssl.config"},
    "start_timeout_s": 121,
    "drain_s": 33,
    "run_as_user": 4321,
    "kserve_protocol": "grpc-v1",
}

# KServe has its own certificates.
WITHOUT_TLS: Final = {name: value for name, value in EVERYTHING.items() if name != "tls"}


BATCHING: Final = BatchingSpec(
    max_batch_size=128,
    batch_timeout_micros=1000,
    max_enqueued_batches=64,
    num_batch_threads=4,
    allowed_batch_sizes=(32, 128),
)


def plan(
    deployment: dict[str, Any] | None = None,
    *,
    model_name: str = "shop",
    batching: BatchingSpec | None = None,
    logs_requests: bool = False,
) -> Plan:
    """The plan of a config named shop.yaml whose runs push to `../out/pushed`."""
    return Plan(
        model_name=model_name,
        config_name="shop.yaml",
        deployment=DeploymentSpec.model_validate(deployment or {}),
        batching=batching,
        pushed=Path("/srv/shop/out/pushed"),
        logs_requests=logs_requests,
    )


EVERY_PLAN: Final = {
    "defaults": plan(),
    "everything": plan(EVERYTHING, batching=BATCHING),
    "everything but TLS": plan(WITHOUT_TLS, batching=BATCHING),
    "existing claim": plan({"model_store": {"kind": "claim", "claim": "shared"}}),
    "bucket": plan({"model_store": {"kind": "bucket", "uri": "gs://models/shop"}}),
    "folder": plan({"model_store": {"kind": "folder", "path": "/mnt/models/shop"}}),
    "awkward name": plan(model_name="9_Shop_" + "x" * 80, batching=BATCHING),
}
