"""Says in plain words what a schema anomaly expected and what it saw.

TFDV's own descriptions leave out the expectation (an unknown value is named, the legal ones are
not), so the common kinds are told anew from the statistics and the schema; the rest keep TFDV's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from rankbeam.components.data_gate.problems import percent, short_list


@dataclass(frozen=True)
class Context:
    """What is known about one column of one split.

    Attributes:
        rows: Rows of the split, at least 1.
        statistics: Of the column; None where the split lacks it.
        feature: Of the schema; None where the schema lacks it.
        domain: The legal texts, where the schema closes the column.
    """

    rows: int
    statistics: statistics_pb2.FeatureNameStatistics | None
    feature: schema_pb2.Feature | None
    domain: tuple[str, ...] = ()

    @property
    def common(self) -> statistics_pb2.CommonStatistics:
        """Counts of values; empty where the split lacks the column."""
        statistics = self.statistics
        kind = statistics.WhichOneof("stats") if statistics is not None else None
        if kind is None:
            return statistics_pb2.CommonStatistics()
        return getattr(statistics, kind).common_stats


def describe(reason: anomalies_pb2.AnomalyInfo.Reason, context: Context) -> str:
    """One reason of an anomaly: what was seen, then what was expected."""
    tell = _TELLERS.get(reason.type)
    text = tell(context) if tell is not None else None
    return text if text is not None else reason.description.strip().rstrip(".")


def _unexpected_texts(context: Context) -> str | None:
    if context.statistics is None or not context.domain:
        return None
    legal = set(context.domain)
    buckets = context.statistics.string_stats.rank_histogram.buckets
    seen = sorted(
        (bucket for bucket in buckets if bucket.label not in legal),
        key=lambda bucket: (-bucket.sample_count, bucket.label),
    )
    if not seen:
        return None  # rarer than the values that the statistics name
    shares = [
        f"{each.label!r} ({percent(each.sample_count, context.rows)} of rows)" for each in seen
    ]
    noun = "value" if len(seen) == 1 else "values"
    legal_texts = short_list([repr(value) for value in context.domain])
    return f"unexpected {noun} {short_list(shares)}; expected one of {legal_texts}"


def _out_of_range(context: Context) -> str | None:
    if context.statistics is None or context.feature is None:
        return None
    seen = context.statistics.num_stats
    kind = context.feature.WhichOneof("domain_info")
    if kind not in {"int_domain", "float_domain"}:
        return None
    domain = getattr(context.feature, kind)
    low = f"at least {domain.min:g}" if domain.HasField("min") else ""
    high = f"at most {domain.max:g}" if domain.HasField("max") else ""
    bounds = " and ".join(bound for bound in (low, high) if bound)
    return f"values from {seen.min:g} to {seen.max:g}; expected {bounds}"


def _not_a_number(context: Context) -> str | None:
    if context.statistics is None:
        return None
    histograms = context.statistics.num_stats.histograms
    count = int(histograms[0].num_nan) if histograms else 0
    return f"{count:,} values are NaN; expected finite numbers"


def _infinite(_: Context) -> str:
    return "infinite values; expected finite numbers"


def _too_rare(context: Context) -> str | None:
    if context.feature is None:
        return None
    seen = percent(context.common.num_non_missing, context.rows)
    expected = percent(context.feature.presence.min_fraction, 1.0)
    return f"present in {seen} of rows; expected in at least {expected}"


def _too_few_rows(context: Context) -> str | None:
    if context.feature is None:
        return None
    seen, least = context.common.num_non_missing, context.feature.presence.min_count
    return f"present in {seen:,} rows; expected in at least {least:,}"


def _absent(context: Context) -> str:
    return f"no value in any of {context.rows:,} rows; expected at least one"


def _too_many_values(context: Context) -> str | None:
    if context.feature is None:
        return None
    seen, most = context.common.max_num_values, context.feature.value_count.max
    return f"up to {seen:,} values in a row; expected at most {most:,}"


def _too_few_values(context: Context) -> str | None:
    if context.feature is None:
        return None
    seen, least = context.common.min_num_values, context.feature.value_count.min
    return f"as few as {seen:,} values in a row; expected at least {least:,}"


def _new_column(_: Context) -> str:
    return "column is in the data; expected only columns of the schema"


def _wrong_type(context: Context) -> str | None:
    if context.feature is None or context.statistics is None:
        return None
    kinds = statistics_pb2.FeatureNameStatistics.Type
    seen = kinds.Name(context.statistics.type).replace("STRING", "BYTES")
    return f"values are {seen}; expected {schema_pb2.FeatureType.Name(context.feature.type)}"


_Type = anomalies_pb2.AnomalyInfo
_TELLERS: Mapping[int, Callable[[Context], str | None]] = {
    _Type.ENUM_TYPE_UNEXPECTED_STRING_VALUES: _unexpected_texts,
    _Type.INT_TYPE_SMALL_INT: _out_of_range,
    _Type.INT_TYPE_BIG_INT: _out_of_range,
    _Type.FLOAT_TYPE_SMALL_FLOAT: _out_of_range,
    _Type.FLOAT_TYPE_BIG_FLOAT: _out_of_range,
    _Type.FLOAT_TYPE_HAS_NAN: _not_a_number,
    _Type.FLOAT_TYPE_HAS_INF: _infinite,
    _Type.FEATURE_TYPE_LOW_FRACTION_PRESENT: _too_rare,
    _Type.FEATURE_TYPE_LOW_NUMBER_PRESENT: _too_few_rows,
    _Type.FEATURE_TYPE_NOT_PRESENT: _absent,
    _Type.SCHEMA_MISSING_COLUMN: _absent,
    _Type.FEATURE_TYPE_HIGH_NUMBER_VALUES: _too_many_values,
    _Type.FEATURE_TYPE_LOW_NUMBER_VALUES: _too_few_values,
    _Type.SCHEMA_NEW_COLUMN: _new_column,
    _Type.UNEXPECTED_DATA_TYPE: _wrong_type,
}
