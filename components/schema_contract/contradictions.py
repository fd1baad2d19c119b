"""Where a schema and the config cannot both be right."""

from collections.abc import Iterator

from tensorflow_metadata.proto.v0 import schema_pb2

from rankbeam.components.schema_contract.domains import string_domain
from rankbeam.components.schema_contract.spec import SchemaContractOptions

_NOT_VALIDATED = (
    schema_pb2.PLANNED,
    schema_pb2.ALPHA,
    schema_pb2.DEBUG_ONLY,
    schema_pb2.DEPRECATED,
    schema_pb2.DISABLED,
)


def contradictions(schema: schema_pb2.Schema, options: SchemaContractOptions) -> list[str]:
    """One message per contradiction, in the order of the config's labels and features.

    Args:
        schema: Without fixed shapes.
        options: What the config promises.
    """
    known = {feature.name: feature for feature in schema.feature}
    found: list[str] = []
    for column in (*options.labels, *options.features):
        if column not in known:
            names = ", ".join(known) or "none of the run's columns"
            found.append(f"column {column} must be in the curated schema; it has {names}")
        else:
            found.extend(_of_column(known[column], schema, options))
    return found


def _of_column(
    feature: schema_pb2.Feature, schema: schema_pb2.Schema, options: SchemaContractOptions
) -> Iterator[str]:
    origin = "the curated schema says" if options.curated else "the data hold"
    role, types = _role(feature.name, options)
    if feature.type not in types:
        wanted = " or ".join(schema_pb2.FeatureType.Name(kind) for kind in types)
        got = schema_pb2.FeatureType.Name(feature.type)
        yield f"{role} column {feature.name} must be {wanted}; {origin} {got}"
        return
    if feature.lifecycle_stage in _NOT_VALIDATED:
        stage = schema_pb2.LifecycleStage.Name(feature.lifecycle_stage)
        yield f"{role} column {feature.name} must be in production; {origin} {stage}"
    yield from _of_counts(feature, role, origin, options)
    yield from _of_domain(feature, schema, options)


def _role(name: str, options: SchemaContractOptions) -> tuple[str, tuple[int, ...]]:
    if name in options.labels:
        return "label", (schema_pb2.INT,)
    if name in options.numeric:
        return "numeric", (schema_pb2.FLOAT, schema_pb2.INT)
    role = "multivalent" if name in options.multivalent else "id or categorical"
    return role, (schema_pb2.BYTES, schema_pb2.INT)


def _of_counts(
    feature: schema_pb2.Feature, role: str, origin: str, options: SchemaContractOptions
) -> Iterator[str]:
    count = feature.value_count
    if feature.name in options.multivalent:
        if count.max == 1:
            yield f"{role} column {feature.name} must allow many values; {origin} at most 1"
    elif count.min > 1:
        yield f"{role} column {feature.name} must hold one value; {origin} at least {count.min}"


def _of_domain(
    feature: schema_pb2.Feature, schema: schema_pb2.Schema, options: SchemaContractOptions
) -> Iterator[str]:
    values = options.domains.get(feature.name)
    if values is None:
        return
    if feature.type == schema_pb2.INT:
        wrong = [value for value in values if not _is_integer(value)]
        rule = "must hold integers, as the column does"
    else:
        curated = string_domain(feature, schema)
        wrong = [value for value in values if curated is not None and value not in curated]
        rule = "must lie within the curated schema's"
    if wrong:
        yield f"the domain of column {feature.name} {rule}; got {wrong[0]!r}"


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
