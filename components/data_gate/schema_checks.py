"""Problems of a split's columns, from its statistics and its schema anomalies."""

from collections.abc import Iterator

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from rankbeam.components.data_gate.anomaly_text import Context, describe
from rankbeam.components.data_gate.problems import Problem, Severity
from rankbeam.components.data_gate.spec import DataGateOptions
from rankbeam.components.schema_contract.domains import string_domain

Statistics = dict[str, statistics_pb2.FeatureNameStatistics]


def column_statistics(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> Statistics:
    """Statistics of each column of the one dataset; empty where it has no rows."""
    return {
        feature.path.step[0] if feature.path.step else feature.name: feature
        for dataset in statistics.datasets[:1]
        for feature in dataset.features
    }


def null_problems(
    split: str, rows: int, statistics: Statistics, options: DataGateOptions
) -> Iterator[Problem]:
    """Features without a single value in the split."""
    for column in options.features:
        common = Context(rows, statistics.get(column), None).common
        if common.tot_num_values == 0:
            yield Problem(
                Severity.NULL,
                f"{split}: {column}: no value in any of {rows:,} rows; a feature must have one",
                column,
            )


def anomaly_problems(
    split: str,
    rows: int,
    statistics: Statistics,
    schema: schema_pb2.Schema,
    anomalies: anomalies_pb2.Anomalies,
) -> Iterator[Problem]:
    """What ExampleValidator found, in the schema's order, each column once."""
    features = {feature.name: feature for feature in schema.feature}
    order = {name: position for position, name in enumerate(features)}
    named = [(_column(key, info), info) for key, info in anomalies.anomaly_info.items()]
    for column, info in sorted(named, key=lambda each: (order.get(each[0], len(order)), each[0])):
        feature = features.get(column)
        domain = string_domain(feature, schema) if feature is not None else None
        context = Context(rows, statistics.get(column), feature, domain or ())
        texts = dict.fromkeys(describe(reason, context) for reason in info.reason)
        text = "; ".join(texts) or info.description
        yield Problem(Severity.ANOMALY, f"{split}: {column}: {text}", column)
    if anomalies.HasField("dataset_anomaly_info"):
        bounds = text_format.MessageToString(schema.dataset_constraints, as_one_line=True)
        text = anomalies.dataset_anomaly_info.description.strip().rstrip(".")
        yield Problem(Severity.ANOMALY, f"{split}: {text}; the schema says {bounds}")


def _column(key: str, info: anomalies_pb2.AnomalyInfo) -> str:
    return info.path.step[0] if info.path.step else key
