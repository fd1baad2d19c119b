"""TensorFlow Serving's settings files, as files for Compose and as a ConfigMap for Kubernetes."""

from typing import Any, Final

from rankbeam.serving.manifests.labels import metadata
from rankbeam.serving.manifests.plan import Plan
from rankbeam.serving.manifests.stores import BucketStore
from rankbeam.serving.manifests.text_protos import (
    batching_config,
    models_config,
    monitoring_config,
)

# Of the ConfigMap's name, after the model's.
SETTINGS_SUFFIX: Final = "-settings"


def model_base_path(plan: Plan) -> str:
    """Where a server finds the version folders: in the bucket, or where they are mounted."""
    store = plan.deployment.model_store
    if isinstance(store, BucketStore) and store.uri.startswith("gs://"):
        return store.uri
    return plan.model_folder


def settings(plan: Plan) -> dict[str, str]:
    """File name to text, for a server that is told its model by `models.config`."""
    return {
        "models.config": models_config(plan, model_base_path(plan)),
        **common_settings(plan, plan.deployment.monitoring.path),
    }


def common_settings(plan: Plan, metrics_path: str) -> dict[str, str]:
    """File name to text, without the model."""
    files = {"monitoring.config": monitoring_config(metrics_path)}
    if plan.batching is not None:
        files["batching.config"] = batching_config(plan.batching)
    return files


def settings_map(plan: Plan, files: dict[str, str], suffix: str) -> dict[str, Any]:
    """A ConfigMap of settings files, named after the model with `suffix`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, suffix),
        "data": files,
    }
