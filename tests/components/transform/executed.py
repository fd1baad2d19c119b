"""One run of Transform's executor, ours or the stock one, on examples of `write_examples`."""

from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import Artifact, Channel, artifact_utils, standard_artifacts
from tfx.utils import io_utils

from rankbeam.components.transform.component import Transform
from rankbeam.transform.specs.options import TransformOptions

_TYPES = {
    "city": schema_pb2.BYTES,
    "tags": schema_pb2.BYTES,
    "price": schema_pb2.FLOAT,
    "age": schema_pb2.INT,
    "late": schema_pb2.INT,
    "click": schema_pb2.INT,
}
ANALYZED = {
    "city": {"kind": "categorical"},
    "tags": {"kind": "multivalent", "max_values": 3},
    "price": {"kind": "numeric", "scaling": "log", "missing_indicator": True},
    "age": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 5},
    "late": {"kind": "numeric"},
}
CLOSED = {"city": {"kind": "categorical", "domain": ["c1", "c2"]}}


def node(features: dict[str, Any]) -> dict[str, Any]:
    """The node's execution properties for these features and the label click."""
    options = TransformOptions.model_validate({"features": features, "labels": ("click",)})
    transform = Transform(
        examples=Channel(type=standard_artifacts.Examples),
        schema=Channel(type=standard_artifacts.Schema),
        preprocessing_fn="rankbeam.transform.preprocessing.preprocessing_fn",
        options={"rankbeam": options.model_dump_json()},
    )
    return {name: value for name, value in transform.exec_properties.items() if value is not None}


def execute(
    executor: BaseBeamExecutor, examples: Artifact, features: dict[str, Any], folder: Path
) -> tuple[Path, Path]:
    """Run it in `folder`; the folders of the graph and of the transformed examples."""
    schema, graph = standard_artifacts.Schema(), standard_artifacts.TransformGraph()
    transformed, cache = standard_artifacts.Examples(), standard_artifacts.TransformCache()
    for name, artifact in (
        ("schema", schema),
        ("graph", graph),
        ("transformed", transformed),
        ("cache", cache),
    ):
        artifact.uri = str(folder / name)
    columns = [schema_pb2.Feature(name=name, type=kind) for name, kind in _TYPES.items()]
    io_utils.write_pbtxt_file(f"{schema.uri}/schema.pbtxt", schema_pb2.Schema(feature=columns))
    executor.Do(
        {"examples": [examples], "schema": [schema]},
        {
            "transform_graph": [graph],
            "transformed_examples": [transformed],
            "updated_analyzer_cache": [cache],
        },
        node(features),
    )
    # The stock executor keeps them in a set.
    assert sorted(artifact_utils.decode_split_names(transformed.split_names)) == ["eval", "train"]
    return Path(graph.uri), Path(transformed.uri)
