"""The nodes that a plan speaks of are those that run Beam, whatever the source."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from rankbeam.pipeline.beam.nodes import apply_plan, uses_beam
from rankbeam.pipeline.beam.plan import EngineFound, make_plan
from rankbeam.pipeline.beam.spec import BeamNode, BeamSpec
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.dag import build_nodes
from tests.e2e.tiny import write_config

_BIGQUERY = {
    "source": {"kind": "bigquery", "table": "ads.log"},
    "split": {"kind": "entity_hash", "column": "user"},
}
_SOURCES: Mapping[str, Mapping[str, Any]] = {"files": {}, "bigquery": {"data": _BIGQUERY}}


@pytest.fixture(params=_SOURCES)
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> list[BaseNode]:
    """All nodes of a local run, by source."""
    config = load_config(write_config(tmp_path, _SOURCES[request.param])).config
    return build_nodes(config, tmp_path, str(tmp_path / "pushed"))


def test_nodes_of_the_config_are_those_that_run_beam(nodes: list[BaseNode]) -> None:
    assert {node.id for node in nodes if uses_beam(node)} == set(get_args(BeamNode))


def test_plan_reaches_all_that_run_beam_and_no_other(nodes: list[BaseNode]) -> None:
    spec = BeamSpec.model_validate({"runner": "flink"})
    plan = make_plan(spec, None, lambda _: EngineFound("localhost:1", 2, False), lambda: "/bin/w")
    apply_plan(nodes, plan)
    for node in nodes:
        executor = getattr(node, "executor_spec", None)
        words = executor.beam_pipeline_args if isinstance(executor, BeamExecutorSpec) else []
        assert ("--job_endpoint=localhost:1" in words) == (node.id in get_args(BeamNode))
