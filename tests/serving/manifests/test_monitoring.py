"""Prometheus and Grafana: every query parses, and reads metrics that a server exports."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import promql_parser
import pytest

from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.manifests.generate import generate
from rankbeam.serving.manifests.grafana import dashboard_file
from rankbeam.serving.manifests.prometheus import prometheus_file, rules_file
from tests.serving.manifests import tensorflow_serving_metrics
from tests.serving.manifests.plans import EVERYTHING, OUTPUT, plan
from tests.serving.manifests.schemas import documents, selectors


def _embedded() -> dict[str, set[str]]:
    """The series that a busy embedded server exports, with their labels."""
    metrics = Metrics()
    metrics.observe(
        model="shop",
        version=1,
        signature="serving_default",
        method="Predict",
        api="gRPC",
        code=grpc.StatusCode.OK,
        seconds=0.001,
        candidates=3,
        runtime_seconds=0.0005,
    )
    metrics.observe_batch(model="shop", signature="serving_default", size=3, waited=[0.001])
    metrics.count_load(model="shop", outcome="ok")
    metrics.set_version_states("shop", {1: "AVAILABLE"})
    metrics.count_log_written("shop")
    metrics.count_log_dropped("shop")
    samples = re.findall(
        r"^([a-zA-Z_:]\w*(?::\w+)*)(\{.*\})? ", metrics.exposition().decode(), re.M
    )
    return {name: set(re.findall(r'(\w+)="', labels)) for name, labels in samples}


def _dashboard(text: str) -> Any:
    return json.loads(text)


def _expressions() -> list[tuple[str, str, str]]:
    """(where, row or file, PromQL) of every query in the dashboard and the alerts."""
    found, row = [], ""
    for panel in _dashboard(dashboard_file(plan()))["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        found += [(panel["title"], row, target["expr"]) for target in panel.get("targets", [])]
    (rules,) = documents(rules_file(plan()))
    found += [(r["alert"], "rules", r["expr"]) for r in rules["groups"][0]["rules"]]
    # What Grafana puts in place before it asks.
    return [(at, row, text.replace("$__rate_interval", "5m")) for at, row, text in found]


@pytest.mark.parametrize(("where", "row", "expression"), _expressions())
def test_every_query_reads_metrics_that_are_exported(where: str, row: str, expression: str) -> None:
    exported = {**tensorflow_serving_metrics.METRICS, "up": set[str]()}
    if row == "Rankbeam's embedded server":
        exported = _embedded()
    elif row == "rules":
        exported |= _embedded()
    read = list(selectors(promql_parser.parse(expression)))
    assert read, where
    for metric, labels in read:
        assert metric in exported
        # Prometheus itself adds the job.
        assert labels <= exported[metric] | {"job"}


def test_embedded_server_exports_tensorflow_servings_metrics_under_the_same_labels() -> None:
    embedded = _embedded()
    for metric, labels in tensorflow_serving_metrics.METRICS.items():
        if metric.startswith(":tensorflow:serving:"):
            assert embedded[metric] == labels


def test_dashboard_groups_by_labels_that_exist() -> None:
    exported = tensorflow_serving_metrics.METRICS | _embedded()

    def groups(expression: Any) -> None:
        if isinstance(expression, promql_parser.AggregateExpr):
            ((metric, _),) = selectors(expression)
            assert expression.modifier is not None
            assert set(expression.modifier.labels) <= exported[metric] | {"job"}
        elif isinstance(expression, promql_parser.BinaryExpr):
            groups(expression.lhs)
            groups(expression.rhs)
        elif isinstance(expression, promql_parser.Call):
            groups(expression.args[-1])

    for _, row, text in _expressions():
        if row != "rules":
            groups(promql_parser.parse(text))


def test_dashboard_shows_what_operators_ask_for() -> None:
    dashboard = _dashboard(dashboard_file(plan()))
    titles = " ".join(panel["title"] for panel in dashboard["panels"])
    for wanted in ("Requests", "Failed", "Latency", "Batch size", "Versions", "Request log"):
        assert wanted in titles
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == [
        "source",
        "job",
        "model",
    ]


def test_panels_have_their_own_ids_and_places() -> None:
    panels = _dashboard(dashboard_file(plan()))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_scrape_config_reads_composes_server_under_the_configs_path() -> None:
    (config,) = documents(prometheus_file(plan(EVERYTHING)))
    assert config["global"]["scrape_interval"] == "5s"
    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"] == [{"targets": ["serving:8501"]}]
    assert job["job_name"] == "shop"
    files = generate(plan(EVERYTHING), OUTPUT).files
    for name in config["rule_files"]:
        assert f"prometheus/{name}" in files


def test_grafana_finds_the_source_and_the_dashboard_in_compose() -> None:
    files = generate(plan(), OUTPUT).files
    (compose,) = documents(files["compose.yaml"])
    (sources,) = documents(files["grafana/provisioning/datasources/prometheus.yaml"])
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]
    (providers,) = documents(files["grafana/provisioning/dashboards/rankbeam.yaml"])
    folder = providers["providers"][0]["options"]["path"]
    mounts = {v["target"]: v["source"] for v in compose["services"]["grafana"]["volumes"]}
    assert mounts[folder] == "./grafana/dashboards"
    assert "grafana/dashboards/shop.json" in files


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(prometheus_file(plan(EVERYTHING)), encoding="utf-8")
    (tmp_path / "rules.yml").write_text(rules_file(plan(EVERYTHING)), encoding="utf-8")
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
