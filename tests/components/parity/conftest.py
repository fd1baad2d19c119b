"""One small real transform with its examples and schema, as earlier nodes leave them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import metadata_io
from tfx.types import Artifact, artifact_utils, standard_artifacts

from tests.transform.running import Row, bound, options_of, run, serialized

TYPES = {
    "device": tf.string,
    "interests": tf.string,
    "age": tf.float32,
    "partner": tf.int64,
    "click": tf.int64,
}
FEATURES = {
    "device": {"kind": "categorical"},
    "interests": {"kind": "multivalent", "max_values": 3},
    "age": {"kind": "numeric"},
    "partner": {"kind": "id", "hash_buckets": 8},
}
LABEL = "click"


def raw_rows(count: int) -> list[Row]:
    """Impressions; about one value in eight is missing."""
    rng = np.random.default_rng(3)

    def maybe(value: object) -> list[object]:
        return [] if rng.random() < 1 / 8 else [value]

    return [
        {
            "device": maybe(rng.choice([b"phone", b"tablet"])),
            "interests": [b"a", b"b", b"c"][: rng.integers(4)],
            "age": maybe(float(np.float32(rng.normal(40, 10)))),
            "partner": maybe(int(rng.integers(20))),
            "click": [int(rng.integers(2))],
        }
        for _ in range(count)
    ]


@dataclass(frozen=True)
class World:
    """Artifacts.

    Attributes:
        examples: with the split eval.
        transform_graph: of the real transform.
        schema: `click` is not in the environment SERVING.
        rows: the serialized examples.
    """

    examples: Artifact
    transform_graph: Artifact
    schema: Artifact
    rows: list[bytes]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Made once."""
    folder = tmp_path_factory.mktemp("parity")
    rows = raw_rows(120)
    done = run(rows, TYPES, bound(options_of(FEATURES, (LABEL,))), folder)
    metadata = tft.DatasetMetadata.from_feature_spec(done.raw_spec)
    metadata_io.write_metadata(metadata, f"{done.folder}/metadata")
    records = [serialized(row, TYPES) for row in rows]
    split = folder / "examples" / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data"), "GZIP") as writer:
        for record in records:
            writer.write(record)
    examples = standard_artifacts.Examples()
    examples.uri = str(split.parent)
    examples.split_names = artifact_utils.encode_split_names(["eval"])
    transform_graph = standard_artifacts.TransformGraph()
    transform_graph.uri = done.folder
    return World(examples, transform_graph, _schema(folder / "schema"), records)


def _schema(folder: Path) -> Artifact:
    schema = schema_pb2.Schema(default_environment=["TRAINING", "SERVING"])
    for name in TYPES:
        feature = schema.feature.add(name=name)
        if name == LABEL:
            feature.not_in_environment.append("SERVING")
    folder.mkdir()
    (folder / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    artifact = standard_artifacts.Schema()
    artifact.uri = str(folder)
    return artifact
