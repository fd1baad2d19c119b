"""From a plan to all deployment files, by kind."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rankbeam.serving.manifests.compose import compose_file
from rankbeam.serving.manifests.documents import text_file
from rankbeam.serving.manifests.grafana import dashboard_file, providers_file, sources_file
from rankbeam.serving.manifests.kserve import kserve_file
from rankbeam.serving.manifests.kubernetes import kubernetes_file
from rankbeam.serving.manifests.plan import Plan
from rankbeam.serving.manifests.prometheus import prometheus_file, rules_file
from rankbeam.serving.manifests.settings_files import settings
from rankbeam.transform.errors import ConfigError

KINDS: Final = ("settings", "prometheus", "grafana", "compose", "kubernetes", "kserve")

_LOG_NOTE = (
    "\nserving.request_log is not here: the tensorflow/serving image has no log collector and\n"
    "does not start with one configured. Rankbeam's embedded server writes the log."
)
_COMMENTS: Final = {
    "models.config": "--model_config_file; the path is the one inside the container.",
    "batching.config": "--batching_parameters_file, with --enable_batching.",
    "monitoring.config": "--monitoring_config_file.",
}


@dataclass(frozen=True, slots=True)
class Generated:
    """The files, and the kinds that the config cannot have.

    Attributes:
        files: relative path to text.
        left_out: kind to the reason.
    """

    files: dict[str, str]
    left_out: dict[str, str]


def generate(plan: Plan, folder: Path, kinds: Collection[str] | None = None) -> Generated:
    """All files of the asked kinds.

    Compose brings the settings, Prometheus's and Grafana's files along: it mounts them.

    Args:
        plan: what is deployed.
        folder: absolute folder that the files will stand in.
        kinds: of KINDS; None stands for all that the config can have.

    Raises:
        ConfigError: a kind that was asked for by name does not go with the config.
    """
    makers: dict[str, Callable[[], dict[str, str]]] = {
        "settings": lambda: _settings(plan),
        "prometheus": lambda: _prometheus(plan),
        "grafana": lambda: _grafana(plan),
        "compose": lambda: {
            **_settings(plan),
            **_prometheus(plan),
            **_grafana(plan),
            "compose.yaml": compose_file(plan, folder),
        },
        "kubernetes": lambda: {"kubernetes.yaml": kubernetes_file(plan)},
        "kserve": lambda: {"kserve.yaml": kserve_file(plan)},
    }
    generated = Generated({}, {})
    for kind in KINDS:
        if kinds is not None and kind not in kinds:
            continue
        try:
            generated.files.update(makers[kind]())
        except ConfigError as error:
            if kinds is not None:
                raise
            generated.left_out[kind] = str(error)
    return generated


def _settings(plan: Plan) -> dict[str, str]:
    return {
        f"config/{name}": text_file(plan.config_name, _comment(plan, name), body)
        for name, body in settings(plan).items()
    }


def _comment(plan: Plan, name: str) -> str:
    noted = name == "models.config" and plan.logs_requests
    return _COMMENTS[name] + (_LOG_NOTE if noted else "")


def _prometheus(plan: Plan) -> dict[str, str]:
    return {
        "prometheus/prometheus.yml": prometheus_file(plan),
        "prometheus/rules.yml": rules_file(plan),
    }


def _grafana(plan: Plan) -> dict[str, str]:
    return {
        "grafana/provisioning/datasources/prometheus.yaml": sources_file(plan),
        "grafana/provisioning/dashboards/rankbeam.yaml": providers_file(plan),
        f"grafana/dashboards/{plan.name}.json": dashboard_file(plan),
    }
