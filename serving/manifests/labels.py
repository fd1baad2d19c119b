"""Names and labels of a model's Kubernetes objects."""

from typing import Any

from rankbeam.serving.manifests.plan import Plan


def selector(plan: Plan) -> dict[str, str]:
    """The labels that tell this model's servers from all others; they never change."""
    return {
        "app.kubernetes.io/name": "tensorflow-serving",
        "app.kubernetes.io/instance": plan.name,
    }


def metadata(plan: Plan, suffix: str = "") -> dict[str, Any]:
    """Name, namespace and the recommended labels of one object."""
    found: dict[str, Any] = {"name": f"{plan.name}{suffix}"}
    if plan.deployment.namespace is not None:
        found["namespace"] = plan.deployment.namespace
    return {**found, "labels": {**selector(plan), "app.kubernetes.io/part-of": "rankbeam"}}
