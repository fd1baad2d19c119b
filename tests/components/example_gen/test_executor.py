"""The executor, told what TFX's driver tells it, and what a node looks like."""

from pathlib import Path

import pytest
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.util import examples_utils
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.example_gen.component import example_gen
from rankbeam.components.example_gen.counts import counts_from_json
from rankbeam.components.example_gen.executor import (
    COUNTS_PROPERTY,
    ArrowExampleGenExecutor,
    pack_spec,
    unpack_spec,
)
from rankbeam.components.example_gen.spec import ExampleGenSpec
from rankbeam.transform.errors import DataError
from tests.components.example_gen.runs import make_spec, read_split, write_parquet

_BY_USER = {"kind": "entity_hash", "column": "user"}


def _spec(path: str = "log") -> ExampleGenSpec:
    return make_spec(path, columns={"user": "string", "click": "int"}, split=_BY_USER)


def _properties(spec: ExampleGenSpec, base: Path, span: int | None = None) -> dict[str, object]:
    """A node's execution properties, as they are before a driver has seen them."""
    node = example_gen(spec, str(base), span)
    return {
        name: value if isinstance(value, str | int) else proto_utils.proto_to_json(value)
        for name, value in node.exec_properties.items()
        if value is not None
    }


def _execute(properties: dict[str, object], folder: Path) -> standard_artifacts.Examples:
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    ArrowExampleGenExecutor().Do({}, {"examples": [examples]}, properties)
    return examples


def _write_log(path: Path, rows: int) -> None:
    users = [f"u{number % 97}" for number in range(rows)]
    write_parquet(path, {"user": users, "click": [number % 2 for number in range(rows)]})


def test_executor_fills_the_artifact_as_stock_executors_do(tmp_path: Path) -> None:
    _write_log(tmp_path / "log", 500)
    examples = _execute(_properties(_spec(), tmp_path), tmp_path / "out")
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "eval"]
    assert examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    assert examples_utils.get_file_format(examples) == "tfrecords_gzip"
    counts = counts_from_json(examples.get_string_custom_property(COUNTS_PROPERTY))
    for split in ("train", "eval"):
        folder = Path(artifact_utils.get_split_uri([examples], split))
        assert [path.name for path in folder.iterdir()] == ["data_tfrecord-00000-of-00001.gz"]
        assert len(read_split(tmp_path / "out", split)) == counts[split].rows
    assert counts["train"].rows + counts["eval"].rows == 500
    assert sum(counts[split].labels["click"].one for split in counts) == 250


@pytest.mark.parametrize(("span", "rows"), [(None, 30), (2, 20)])
def test_executor_reads_the_span_that_the_driver_found(
    tmp_path: Path, span: int | None, rows: int
) -> None:
    _write_log(tmp_path / "2" / "log", 20)
    _write_log(tmp_path / "10" / "log", 30)
    properties = _properties(_spec("{SPAN}"), tmp_path, span)
    nameless = data_types.PipelineInfo("", "")
    driven = FileBasedDriver(None).resolve_exec_properties(
        dict(properties), nameless, data_types.ComponentInfo("", "", nameless)
    )
    assert driven["span"] == (span or 10)
    examples = _execute(driven, tmp_path / "out")
    counts = counts_from_json(examples.get_string_custom_property(COUNTS_PROPERTY))
    assert counts["train"].rows + counts["eval"].rows == rows


def test_executor_without_files_is_one_error(tmp_path: Path) -> None:
    properties = _properties(_spec("nothing-here"), tmp_path)
    with pytest.raises(DataError, match=r"must lead to files; none match .*/nothing-here"):
        _execute(properties, tmp_path / "out")


def test_spec_survives_the_way_to_the_executor() -> None:
    spec = _spec("naïve/{SPAN}")
    assert unpack_spec(proto_utils.proto_to_json(pack_spec(spec))) == spec


def test_node_is_the_stock_one_with_an_executor_of_ours(tmp_path: Path) -> None:
    node = example_gen(_spec(), str(tmp_path))
    assert node.id == "ExampleGen"
    assert isinstance(node.executor_spec, ExecutorClassSpec)
    assert node.executor_spec.executor_class is ArrowExampleGenExecutor
    assert node.driver_class is FileBasedDriver
    assert node.exec_properties["range_config"] is None
