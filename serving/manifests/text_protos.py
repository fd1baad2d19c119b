"""TensorFlow Serving's settings in its own text protos.

Sources: model_server_config.proto, file_system_storage_path_source.proto, monitoring_config.proto
and session_bundle_config.proto (BatchingParameters) of TensorFlow Serving.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from google.protobuf import text_encoding

from rankbeam.serving.batching_spec import BatchingSpec
from rankbeam.serving.manifests.plan import Plan

# A message is its fields in the order in which they are written; a name may repeat.
Message: TypeAlias = Sequence[tuple[str, "Value"]]
Value: TypeAlias = "str | int | bool | Message"


def models_config(plan: Plan, base_path: str) -> str:
    """`--model_config_file`: one model, served from `base_path`.

    A request log is left out even where the config has one: the official image has no log
    collector, and a server that is told to use one does not start.
    """
    policy: Message = [("latest", [("num_versions", plan.deployment.keep_versions)])]
    model: Message = [
        ("name", plan.model_name),
        ("base_path", base_path),
        ("model_platform", "tensorflow"),
        ("model_version_policy", policy),
    ]
    return text_proto([("model_config_list", [("config", model)])])


def batching_config(batching: BatchingSpec) -> str:
    """`--batching_parameters_file`; what the config leaves to the server is left out."""
    limits = {
        "max_batch_size": batching.max_batch_size,
        "batch_timeout_micros": batching.batch_timeout_micros,
        "max_enqueued_batches": batching.max_enqueued_batches,
        "num_batch_threads": batching.num_batch_threads,
    }
    fields: list[tuple[str, Value]] = [
        (name, [("value", value)]) for name, value in limits.items() if value is not None
    ]
    fields += [("allowed_batch_sizes", size) for size in batching.allowed_batch_sizes]
    return text_proto(fields)


def monitoring_config(path: str) -> str:
    """`--monitoring_config_file`: metrics for Prometheus under a path of the REST port."""
    return text_proto([("prometheus_config", [("enable", True), ("path", path)])])


def text_proto(message: Message) -> str:
    """A message in protobuf's text format, two spaces to a level."""
    return "".join(f"{line}\n" for line in _lines(message))


def _lines(message: Message) -> Iterable[str]:
    for name, value in message:
        if isinstance(value, bool):
            yield f"{name}: {str(value).lower()}"
        elif isinstance(value, int):
            yield f"{name}: {value}"
        elif isinstance(value, str):
            yield f'{name}: "{text_encoding.CEscape(value.encode(), False)}"'
        else:
            yield f"{name} {{"
            yield from (f"  {line}" for line in _lines(value))
            yield "}"
