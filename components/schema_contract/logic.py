"""Tightens a schema by what the config promises; pure functions on schema protos.

==========  ==============================  =====================================================
column      type                            promise
==========  ==============================  =====================================================
label       INT                             in every row, one value, 0 or 1; absent at serving
numeric     INT or FLOAT                    at least one row, at most one value, finite
indexed     BYTES or INT                    at least one row, at most one value (any number where
                                            multivalent), within `domain` where there is one
kept        any                             none
==========  ==============================  =====================================================

No column gets a fixed shape: a feature may be absent from any row, in training as at serving.
"""

from collections.abc import Sequence

from tensorflow_metadata.proto.v0 import schema_pb2

from rankbeam.components.schema_contract.contradictions import contradictions
from rankbeam.components.schema_contract.spec import SchemaContractOptions
from rankbeam.transform.errors import DataError

TRAINING, SERVING = "TRAINING", "SERVING"


def tighten(schema: schema_pb2.Schema, options: SchemaContractOptions) -> schema_pb2.Schema:
    """The schema that data must meet for the run to go on.

    Args:
        schema: Inferred from statistics without shapes, or curated by hand. Not changed.
        options: What the config promises.

    Raises:
        DataError: The schema contradicts the config; every contradiction is listed.
    """
    result = schema_pb2.Schema()
    result.CopyFrom(schema)
    _forget_layout(result)
    if options.curated:
        _keep_columns(result, {*options.labels, *options.features, *options.kept})
    else:
        _forget_inferred_bounds(result)
        _add_missing(result, options)
    found = contradictions(result, options)
    if found:
        raise DataError("\n".join(found))
    by_name = {feature.name: feature for feature in result.feature}
    for column in options.labels:
        _tighten_label(by_name[column])
    for column in options.features:
        _tighten_feature(by_name[column], options)
    _drop_unused_domains(result)
    for environment in (TRAINING, SERVING):
        _append_once(result.default_environment, environment)
    return result


def _forget_layout(schema: schema_pb2.Schema) -> None:
    """Replace fixed shapes by value counts, and leave no other layout than one list per column."""
    schema.ClearField("tensor_representation_group")
    schema.ClearField("sparse_feature")
    schema.ClearField("weighted_feature")
    for feature in schema.feature:
        if feature.HasField("shape"):
            count = 1
            for dimension in feature.shape.dim:
                count *= dimension.size
            feature.ClearField("shape")
            if count > 0:
                feature.value_count.min = feature.value_count.max = count


def _keep_columns(schema: schema_pb2.Schema, columns: set[str]) -> None:
    """Leave out what the run does not read; its absence from the examples is no anomaly."""
    kept = [feature for feature in schema.feature if feature.name in columns]
    del schema.feature[:]
    schema.feature.extend(kept)


def _forget_inferred_bounds(schema: schema_pb2.Schema) -> None:
    """Drop what was only observed: a rare value, or a missing one, must not stop the next run."""
    # Of a column without values no type can be inferred, yet the schema says BYTES.
    seen = [feature for feature in schema.feature if not _was_empty(feature)]
    del schema.feature[:]
    schema.feature.extend(seen)
    for feature in schema.feature:
        kind = feature.WhichOneof("domain_info")
        if kind is not None:
            feature.ClearField(kind)
        for field in ("presence", "value_count", "value_counts", "distribution_constraints"):
            feature.ClearField(field)
        # A column absent from a later split is inferred to be deprecated, hence never validated.
        feature.ClearField("lifecycle_stage")


def _was_empty(feature: schema_pb2.Feature) -> bool:
    presence = feature.presence
    return bool(presence.HasField("min_count") and presence.min_count == 0)


def _add_missing(schema: schema_pb2.Schema, options: SchemaContractOptions) -> None:
    """Add columns without a single value, of which nothing was inferred; the gate reports them."""
    known = {feature.name for feature in schema.feature}
    for column in (*options.labels, *options.features):
        if column not in known:
            schema.feature.add(name=column, type=_type_without_data(column, options))


def _type_without_data(column: str, options: SchemaContractOptions) -> "schema_pb2.FeatureType":
    if column in options.labels:
        return schema_pb2.INT
    return schema_pb2.FLOAT if column in options.numeric else schema_pb2.BYTES


def _tighten_label(feature: schema_pb2.Feature) -> None:
    feature.presence.min_fraction = 1.0
    feature.presence.min_count = max(1, feature.presence.min_count)
    feature.value_count.min = feature.value_count.max = 1
    feature.int_domain.min, feature.int_domain.max = 0, 1
    if SERVING in feature.in_environment:
        feature.in_environment.remove(SERVING)
    _append_once(feature.not_in_environment, SERVING)


def _tighten_feature(feature: schema_pb2.Feature, options: SchemaContractOptions) -> None:
    feature.presence.min_count = max(1, feature.presence.min_count)
    if feature.name not in options.multivalent:
        feature.value_count.max = 1
    if feature.name in options.domains:
        _close_domain(feature, options.domains[feature.name])
    if feature.name in options.numeric and feature.type == schema_pb2.FLOAT:
        feature.float_domain.disallow_nan = True
        feature.float_domain.disallow_inf = True


def _close_domain(feature: schema_pb2.Feature, values: Sequence[str]) -> None:
    if feature.type == schema_pb2.INT:
        # A schema knows integer domains as ranges only; the data gate closes the gaps.
        numbers = [int(value) for value in values]
        feature.int_domain.min, feature.int_domain.max = min(numbers), max(numbers)
        return
    feature.ClearField("domain")
    feature.string_domain.CopyFrom(schema_pb2.StringDomain(name=feature.name, value=values))
    feature.distribution_constraints.min_domain_mass = 1.0


def _drop_unused_domains(schema: schema_pb2.Schema) -> None:
    used = {feature.domain for feature in schema.feature if feature.HasField("domain")}
    kept = [domain for domain in schema.string_domain if domain.name in used]
    del schema.string_domain[:]
    schema.string_domain.extend(kept)


def _append_once(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
