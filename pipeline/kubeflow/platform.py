"""The part of a compiled pipeline that only Kubernetes understands: its second YAML document.

Format: KFP's `PlatformSpec` with a `KubernetesExecutorConfig` for each executor, from
kubernetes_platform/proto/kubernetes_executor_config.proto in kubeflow/pipelines.
"""

from collections.abc import Sequence
from typing import Any

from rankbeam.pipeline.kubeflow.settings import executor_label
from rankbeam.pipeline.kubeflow.spec import KubeflowSpec, NodeSettings, VolumeSpec


def platform_spec(settings: KubeflowSpec, nodes: Sequence[str]) -> dict[str, Any] | None:
    """The document; None where no node needs anything of it."""
    configs = {
        executor_label(node): _executor_config(settings.settings_of(node), settings.volumes)
        for node in nodes
    }
    executors = {label: config for label, config in configs.items() if config}
    if not executors:
        return None
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _executor_config(settings: NodeSettings, volumes: Sequence[VolumeSpec]) -> dict[str, Any]:
    as_env = [
        {
            "secretName": secret.name,
            "keyToEnv": [
                {"secretKey": key, "envVar": name} for name, key in sorted(secret.env.items())
            ],
        }
        for secret in settings.secrets
        if secret.env
    ]
    as_files = [
        {"secretName": secret.name, "mountPath": secret.mount_path}
        for secret in settings.secrets
        if secret.mount_path is not None
    ]
    mounts = [{"constant": volume.claim, "mountPath": volume.mount_path} for volume in volumes]
    labels = dict(settings.node_selector)
    config = {
        "nodeSelector": {"labels": labels} if labels else {},
        "secretAsEnv": as_env,
        "secretAsVolume": as_files,
        "pvcMount": mounts,
    }
    return {name: value for name, value in config.items() if value}
