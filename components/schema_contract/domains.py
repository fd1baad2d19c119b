"""Closed sets of texts in a schema."""

from tensorflow_metadata.proto.v0 import schema_pb2


def string_domain(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> tuple[str, ...] | None:
    """The strings that `schema` allows for `feature`; None where it has no closed domain."""
    kind = feature.WhichOneof("domain_info")
    if kind == "string_domain":
        return tuple(feature.string_domain.value)
    if kind == "domain":
        for domain in schema.string_domain:
            if domain.name == feature.domain:
                return tuple(domain.value)
    return None
