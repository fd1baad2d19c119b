"""Grafana: one dashboard, and the files that make a fresh Grafana find it and its data.

Source of the fields: Grafana's dashboard JSON model (schema version 39) and its provisioning files.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rankbeam.serving.manifests.documents import Part, json_file, yaml_file
from rankbeam.serving.manifests.panels import EMBEDDED_SERVER, TENSORFLOW_SERVING, Panel
from rankbeam.serving.manifests.plan import Plan

_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_COLUMNS, _WIDTH, _HEIGHT = 2, 12, 8


def dashboard_file(plan: Plan) -> str:
    """The text of the dashboard's JSON."""
    dashboard = {
        "uid": f"rankbeam-{plan.name}"[:40],
        "title": f"Rankbeam: {plan.model_name}",
        "tags": ["rankbeam", "tensorflow-serving"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "templating": {"list": _variables(plan)},
        "panels": list(_panels()),
    }
    description = "Requests, errors, latency, batches and versions of one model's servers."
    return json_file(dashboard, description, plan.config_name)


def sources_file(plan: Plan) -> str:
    """The text of the provisioning file that names Compose's Prometheus."""
    source = {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": "http://prometheus:9090",
        "isDefault": True,
        "jsonData": {"timeInterval": f"{plan.deployment.monitoring.scrape_interval_s}s"},
    }
    content = {"apiVersion": 1, "datasources": [source]}
    return yaml_file(plan.config_name, "Grafana's data source.", [Part(content)])


def providers_file(plan: Plan) -> str:
    """The text of the provisioning file that names the dashboards' folder."""
    provider = {
        "name": "rankbeam",
        "type": "file",
        "disableDeletion": True,
        "options": {"path": "/var/lib/grafana-dashboards"},
    }
    content = {"apiVersion": 1, "providers": [provider]}
    return yaml_file(plan.config_name, "Where Grafana finds the dashboard.", [Part(content)])


def _variables(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "name": "source",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "hide": 2,
        },
        _variable("job", "Job", "label_values(:tensorflow:serving:request_count, job)", plan.name),
        _variable(
            "model",
            "Model",
            'label_values(:tensorflow:serving:request_count{job=~"$job"}, model_name)',
            plan.model_name,
        ),
    ]


def _variable(name: str, label: str, query: str, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": [value], "value": [value]},
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    groups = (
        ("TensorFlow Serving's metrics", TENSORFLOW_SERVING),
        ("Rankbeam's embedded server", EMBEDDED_SERVER),
    )
    for title, panels in groups:
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": _COLUMNS * _WIDTH, "x": 0, "y": top},
            "panels": [],
        }
        yield from _grid(panels, number + 1, top + 1)
        number += 1 + len(panels)
        top += 1 + -(-len(panels) // _COLUMNS) * _HEIGHT


def _grid(panels: Sequence[Panel], number: int, top: int) -> Iterator[dict[str, Any]]:
    for index, panel in enumerate(panels):
        row, column = divmod(index, _COLUMNS)
        place = {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": top + row * _HEIGHT}
        yield _chart(panel, number + index, place)


def _chart(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.text,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "range": True,
            }
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }
