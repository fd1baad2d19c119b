"""Runs the gate's executor on artifacts made by TFX's and TFDV's own code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import Artifact, artifact_utils, standard_artifacts
from tfx.utils import io_utils

from rankbeam.components.data_gate.executor import Executor
from rankbeam.components.data_gate.report import DataGateReport, read_report
from rankbeam.components.data_gate.spec import DataGateOptions, DataGateSpec, FunnelEdge
from rankbeam.components.example_gen.counts import SplitCounts, counts_to_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.components.schema_contract.logic import tighten
from rankbeam.components.schema_contract.spec import SchemaContractOptions
from tests.components.tf_examples import Row, statistics_of, write_records

DEVICES = ("desktop", "mobile", "tablet")
OPTIONS = DataGateOptions(
    gate=DataGateSpec(),
    labels=("click", "conversion"),
    funnel=(FunnelEdge(label="conversion", given="click"),),
    features=("device", "code", "price", "user_id"),
    ids=("user_id",),
    domains={"device": DEVICES, "code": ("1", "2", "7")},
)
CONTRACT = SchemaContractOptions(
    labels=OPTIONS.labels,
    features=OPTIONS.features,
    numeric=("price",),
    domains=OPTIONS.domains,
)


def good_rows(count: int) -> list[Row]:
    """Rows that pass: every fourth is a click, every eighth a conversion too."""
    return [
        {
            "device": DEVICES[i % 3],
            "code": (1, 2, 7)[i % 3],
            "price": None if i % 5 == 0 else float(i),
            "user_id": f"u{i}",
            "click": int(i % 4 == 0),
            "conversion": int(i % 8 == 0),
        }
        for i in range(count)
    ]


def changed(rows: Sequence[Row], *indices: int, **values: object) -> list[Row]:
    """`rows` with `values` put into some of them."""
    result: list[Any] = [dict(row) for row in rows]
    for index in indices:
        result[index].update(values)
    return result


@dataclass(frozen=True)
class Prepared:
    """Artifacts of one run, ready for the gate."""

    inputs: Mapping[str, list[Artifact]]
    verdict: Artifact

    def run(self, options: DataGateOptions = OPTIONS) -> DataGateReport:
        """Run the executor and read its report."""
        properties = {"options": options.model_dump_json()}
        Executor().Do(dict(self.inputs), {"verdict": [self.verdict]}, properties)
        return read_report(self.verdict.uri)

    def folder(self, key: str, split: str) -> Path:
        """Folder of one split of an input."""
        return Path(artifact_utils.get_split_uri(self.inputs[key], split))


def prepare(
    folder: Path,
    splits: Mapping[str, Sequence[Row]],
    *,
    schema: schema_pb2.Schema | None = None,
    shards: int = 1,
) -> Prepared:
    """Examples, statistics, tightened schema and anomalies of `splits`."""
    examples = _artifact(standard_artifacts.Examples, folder, splits)
    counts = {split: SplitCounts(rows=len(rows)) for split, rows in splits.items()}
    examples.set_string_custom_property(COUNTS_PROPERTY, counts_to_json(counts))
    statistics = _artifact(standard_artifacts.ExampleStatistics, folder, splits)
    anomalies = _artifact(standard_artifacts.ExampleAnomalies, folder, splits)
    computed = {split: statistics_of(rows) for split, rows in splits.items()}
    contract = schema if schema is not None else tightened(computed)
    for split, rows in splits.items():
        write_records(Path(artifact_utils.get_split_uri([examples], split)), rows, shards)
        target = Path(artifact_utils.get_split_uri([statistics], split))
        target.mkdir(parents=True)
        (target / "FeatureStats.pb").write_bytes(computed[split].SerializeToString())
        target = Path(artifact_utils.get_split_uri([anomalies], split))
        target.mkdir(parents=True)
        found = tfdv.validate_statistics(computed[split], contract)
        (target / "SchemaDiff.pb").write_bytes(found.SerializeToString())
    schema_artifact = _artifact(standard_artifacts.Schema, folder, ())
    io_utils.write_string_file(
        f"{schema_artifact.uri}/schema.pbtxt", text_format.MessageToString(contract)
    )
    inputs = {
        "examples": [examples],
        "statistics": [statistics],
        "schema": [schema_artifact],
        "anomalies": [anomalies],
    }
    verdict = standard_artifacts.ExampleAnomalies()
    verdict.uri = str(folder / "verdict")
    return Prepared(inputs, verdict)


def tightened(computed: Mapping[str, Any]) -> schema_pb2.Schema:
    """The schema that SchemaGen and SchemaContract make of the splits' statistics."""
    first, *others = computed.values()
    schema = tfdv.infer_schema(first, infer_feature_shape=False)
    for other in others:
        schema = tfdv.update_schema(schema, other, infer_feature_shape=False)
    return tighten(schema, CONTRACT)


def _artifact(kind: type[Artifact], folder: Path, splits: Sequence[str] | Any) -> Artifact:
    artifact = kind()
    artifact.uri = str(folder / kind.TYPE_NAME)
    if splits:
        artifact.split_names = artifact_utils.encode_split_names(list(splits))
    return artifact
