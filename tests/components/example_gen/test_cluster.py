"""The node of clusters: files below a folder that is told, the span that is asked for."""

from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.example_gen.cluster import ClusterExampleGen, cluster_layout
from rankbeam.components.example_gen.counts import counts_from_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY, ArrowExampleGenExecutor
from rankbeam.components.example_gen.spec import ExampleGenSpec
from rankbeam.transform.errors import ConfigError
from tests.components.example_gen.runs import make_spec, write_parquet


def _spec(path: str) -> ExampleGenSpec:
    split = {"kind": "entity_hash", "column": "user"}
    return make_spec(path, columns={"user": "string", "click": "int"}, split=split)


def _rows(path: str, folder: Path, span: int | None) -> int:
    """Rows that the executor reads of what is below `folder`, as Kubeflow's entry point asks."""
    spec = _spec(path)
    node = ClusterExampleGen(spec, dict(cluster_layout(spec.data).patterns), str(folder), span)
    properties: dict[str, Any] = {
        name: value if isinstance(value, str | int) else proto_utils.proto_to_json(value)
        for name, value in node.exec_properties.items()
        if value is not None
    }
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "out")
    ArrowExampleGenExecutor().Do({}, {"examples": [examples]}, properties)
    counts = counts_from_json(examples.get_string_custom_property(COUNTS_PROPERTY))
    return sum(split.rows for split in counts.values())


@pytest.mark.parametrize(("span", "rows"), [(-1, 30), (2, 20)])
def test_cluster_node_reads_the_span_that_is_asked_for(
    tmp_path: Path, span: int, rows: int
) -> None:
    for number, count in ((2, 20), (10, 30)):
        users = [f"u{each}" for each in range(count)]
        write_parquet(
            tmp_path / f"span-{number}" / "log", {"user": users, "click": [0, 1] * (count // 2)}
        )
    assert _rows("span-{SPAN}/log", tmp_path, span) == rows


def test_cluster_node_refuses_a_span_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must hold \{SPAN\} where .*; got span 3"):
        _rows("log", tmp_path, 3)


@pytest.mark.parametrize(
    ("path", "base", "pattern"),
    [
        ("log/*.parquet", "", "log/*.parquet"),
        ("log/", "", "log/*"),
        ("gs://bucket/span-{SPAN}/*.parquet", "gs://bucket", "span-{SPAN}/*.parquet"),
        ("/mnt/data/log/", "/mnt/data/log", "*"),
    ],
)
def test_cluster_layout_tells_the_folder_from_what_is_in_it(
    path: str, base: str, pattern: str
) -> None:
    layout = cluster_layout(_spec(path).data)
    assert (layout.base, dict(layout.patterns)) == (base, {"all": pattern})


def test_cluster_layout_stays_in_its_folder() -> None:
    with pytest.raises(ConfigError, match=r"must not hold \.\. on a cluster; got \.\./log"):
        cluster_layout(_spec("../log").data)
