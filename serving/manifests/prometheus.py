"""Prometheus: what it scrapes, and when it raises an alert."""

from typing import Any, Final

from rankbeam.serving.manifests.documents import Part, yaml_file
from rankbeam.serving.manifests.plan import REST_PORT, Plan

_COMMENT = """\
Prometheus's configuration for the servers of one model. Compose starts a Prometheus with it; for
one of your own, take over the scrape config and put your servers' addresses for targets.
On Kubernetes the pods carry the usual prometheus.io annotations."""

_RULES_COMMENT = """\
Alerts on the servers of one model, on TensorFlow Serving's metrics and on those of Rankbeam's
embedded server; a server has one or both."""

# A client's own faults do not wake anybody.
_CLIENT_FAULTS: Final = (
    "OK|CANCELLED|INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION|OUT_OF_RANGE|UNIMPLEMENTED"
)
_REQUESTS: Final = ":tensorflow:serving:request_count"


def prometheus_file(plan: Plan) -> str:
    """The text of `prometheus.yml`."""
    monitoring = plan.deployment.monitoring
    document = {
        "global": {
            "scrape_interval": f"{monitoring.scrape_interval_s}s",
            "evaluation_interval": f"{monitoring.scrape_interval_s}s",
        },
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": plan.name,
                "metrics_path": monitoring.path,
                "static_configs": [{"targets": [f"serving:{REST_PORT}"]}],
            }
        ],
    }
    return yaml_file(plan.config_name, _COMMENT, [Part(document)])


def rules_file(plan: Plan) -> str:
    """The text of `rules.yml`."""
    job = f'job="{plan.name}"'
    faults = f'sum by (model_name) (rate({_REQUESTS}{{{job},status!~"{_CLIENT_FAULTS}"}}[5m]))'
    every = f"sum by (model_name) (rate({_REQUESTS}{{{job}}}[5m]))"
    failed_loads = (
        f'increase(:tensorflow:cc:saved_model:load_attempt_count{{{job},status="fail"}}[15m]) > 0'
        f' or increase(rankbeam_serving_loads_total{{{job},outcome!="ok"}}[15m]) > 0'
    )
    rules = [
        _alert("ServerDown", f"up{{{job}}} == 0", "2m", "critical", "A server does not answer."),
        _alert(
            "ErrorsHigh",
            f"{faults} / {every} > 0.01",
            "5m",
            "critical",
            "More than 1 % of the requests fail through the server's fault.",
        ),
        _alert(
            "VersionFailedToLoad",
            failed_loads,
            "0m",
            "warning",
            "A pushed version does not load; the one before it is still served.",
        ),
        _alert(
            "RequestLogDropsRecords",
            f"rate(rankbeam_serving_request_log_dropped_total{{{job}}}[5m]) > 0",
            "5m",
            "warning",
            "The request log loses sampled requests.",
        ),
    ]
    document = {"groups": [{"name": plan.name, "rules": rules}]}
    return yaml_file(plan.config_name, _RULES_COMMENT, [Part(document)])


def _alert(name: str, expression: str, lasting: str, severity: str, text: str) -> dict[str, Any]:
    return {
        "alert": f"Rankbeam{name}",
        "expr": expression,
        "for": lasting,
        "labels": {"severity": severity},
        "annotations": {"summary": text},
    }
