"""What Kubernetes adds to the containers of tasks, as a compiled pipeline's second document says.

Format: KFP's `KubernetesExecutorConfig`, from kubernetes_platform/proto/
kubernetes_executor_config.proto in kubeflow/pipelines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ENV, _SECRET_FILES, _CLAIMS = "secretAsEnv", "secretAsVolume", "pvcMount"
# Where a pod runs and how its image gets there: of no meaning for a process of this machine.
_OF_PODS = frozenset(
    {
        "imagePullPolicy",
        "imagePullSecret",
        "nodeAffinity",
        "nodeSelector",
        "podAffinity",
        "podMetadata",
        "tolerations",
    }
)


@dataclass(frozen=True)
class Additions:
    """What one executor's container gets.

    Attributes:
        variables: Names of those that come from secrets; True where one may be missing.
        mounts: By path, what must be there: `secret NAME` or `claim NAME`.
        others: Names of further settings that a process here would have to do without.
    """

    variables: Mapping[str, bool] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def additions(platform: Mapping[str, Any]) -> dict[str, Additions]:
    """What a parsed `PlatformSpec` adds, by executor label."""
    kubernetes = platform.get("platforms", {}).get("kubernetes", {})
    executors = kubernetes.get("deploymentSpec", {}).get("executors", {})
    return {label: _additions(settings) for label, settings in executors.items()}


def _additions(settings: Mapping[str, Any]) -> Additions:
    variables = {
        pair["envVar"]: bool(secret.get("optional", False))
        for secret in settings.get(_ENV, [])
        for pair in secret.get("keyToEnv", [])
    }
    mounts = {
        secret["mountPath"]: f"secret {secret.get('secretName', 'of a parameter')}"
        for secret in settings.get(_SECRET_FILES, [])
        if not secret.get("optional", False)
    }
    for claim in settings.get(_CLAIMS, []):
        mounts[claim["mountPath"]] = f"claim {claim.get('constant', 'of a parameter')}"
    known = {_ENV, _SECRET_FILES, _CLAIMS, *_OF_PODS}
    return Additions(variables, mounts, tuple(sorted(set(settings) - known)))
