"""A pipeline that asks BigQuery, compiled."""

import json
from pathlib import Path
from typing import Any

from kfp import components

from tests.pipeline.kubeflow.compiled_documents import compiled, documents


def _data(query: str) -> dict[str, Any]:
    return {
        "source": {"kind": "bigquery", "query": query, "project": "shop", "api": "rest"},
        "split": {"kind": "entity_hash", "column": "user"},
    }


def _compiled(folder: Path, query: str) -> str:
    return compiled(folder, {"data": _data(query), "kubeflow": {"pipeline_root": "gs://b/p"}})


def test_compile_query_has_a_span_that_every_run_sets(tmp_path: Path) -> None:
    text = _compiled(tmp_path, "SELECT * FROM d.log WHERE day = @span_yyyymmdd_utc")
    components.load_component_from_text(text)
    spec = documents(text)[0]
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    assert "data_path" not in inputs
    assert "defaultValue" not in inputs["span"]
    task = spec["root"]["dag"]["tasks"]["ExampleGen"]["inputs"]["parameters"]
    assert task["asked_span"] == {"componentInputParameter": "span"}
    query = json.loads(task["input_config"]["runtimeValue"]["constant"])
    assert query["splits"][0]["pattern"].endswith("@span_yyyymmdd_utc")


def test_compile_query_without_span_has_no_parameter_for_it(tmp_path: Path) -> None:
    spec = documents(_compiled(tmp_path, "SELECT * FROM d.log"))[0]
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    assert not {"span", "data_path"} & set(inputs)
