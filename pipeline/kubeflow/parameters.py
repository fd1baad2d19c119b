"""What may be set when a run of the compiled pipeline starts; the config's values are defaults."""

import posixpath
from dataclasses import dataclass, fields

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.cluster import cluster_layout
from rankbeam.components.example_gen.executor import LATEST_SPAN
from rankbeam.components.example_gen.spans import has_span
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.transform.errors import ConfigError


@dataclass(frozen=True)
class RunParameter:
    """One parameter.

    Attributes:
        name: As users write it.
        kind: Its Python type.
        default: What it is where a run does not set it; None where every run must.
        description: What it does.
    """

    name: str
    kind: type[str] | type[int]
    default: str | int | None
    description: str


@dataclass(frozen=True)
class RunParameters:
    """All parameters of one pipeline.

    `data_path` is None where the data are asked of BigQuery, `span` where they have no spans.
    """

    data_path: RunParameter | None
    span: RunParameter | None
    training_steps: RunParameter
    push_destination: RunParameter

    def by_name(self) -> dict[str, RunParameter]:
        """Those that the pipeline has, by name."""
        found = (getattr(self, field.name) for field in fields(self))
        return {parameter.name: parameter for parameter in found if parameter is not None}


def run_parameters(config: RankbeamConfig) -> RunParameters:
    """The parameters of a config's pipeline.

    Raises:
        ConfigError: A place in the config is one of this machine's, which the cluster cannot see.
    """
    return RunParameters(
        data_path=_data_path(config),
        span=_span(config),
        training_steps=RunParameter(
            "training_steps",
            int,
            config.training.max_steps or 0,
            "Largest number of training steps; 0 for as many as the epochs have.",
        ),
        push_destination=_push_destination(config),
    )


def schema_root(config: RankbeamConfig) -> str:
    """The folder that `data.schema_path` starts from on the cluster.

    Raises:
        ConfigError: None is known, or the path is one of this machine's.
    """
    path, root = config.data.schema_path, config.kubeflow.data_root
    if path is None or is_place(path):
        _check_seen("data.schema_path", path, config)
        return ""
    if root is None:
        raise ConfigError(
            "kubeflow.data_root must be set where data.schema_path is relative; "
            f"got nothing for {path}"
        )
    return root


def is_place(path: str) -> bool:
    """Whether a path says itself where it starts."""
    return "://" in path or path.startswith("/")


def _data_path(config: RankbeamConfig) -> RunParameter | None:
    if isinstance(config.data.source, BigQuerySource):
        return None
    layout = cluster_layout(config.data)
    root = config.kubeflow.data_root
    default = layout.base or root
    _check_seen("data.source.path" if layout.base else "kubeflow.data_root", default, config)
    patterns = " and ".join(layout.patterns.values())
    return RunParameter("data_path", str, default, f"Folder that holds {patterns}.")


def _span(config: RankbeamConfig) -> RunParameter | None:
    source = config.data.source
    if isinstance(source, BigQuerySource):
        day = "UTC day to read, counted from 1970-01-01."
        return RunParameter("span", int, None, day) if source.has_span else None
    if not has_span(source.path):
        return None
    return RunParameter("span", int, LATEST_SPAN, "Span of the data to read; -1 for the latest.")


def _push_destination(config: RankbeamConfig) -> RunParameter:
    destination: str | None = config.push.destination
    root = config.kubeflow.pipeline_root
    if not is_place(config.push.destination):
        # What is at minio:// is known to Kubeflow's launcher alone.
        on_bucket = root is not None and not root.startswith("minio://")
        destination = (
            f"{str(root).rstrip('/')}/{config.name}/{posixpath.normpath(config.push.destination)}"
            if on_bucket
            else None
        )
    _check_seen("push.destination", destination, config)
    return RunParameter(
        "push_destination", str, destination, "Folder that gets one folder for each model version."
    )


def _check_seen(field: str, place: str | None, config: RankbeamConfig) -> None:
    """Refuse what a container would look for in vain."""
    if place is None or "://" in place:
        return
    mounts = [volume.mount_path.rstrip("/") for volume in config.kubeflow.volumes]
    if not any(place == mount or place.startswith(f"{mount}/") for mount in mounts):
        raise ConfigError(
            f"{field} must be a URI or a path below a mount_path of kubeflow.volumes, because "
            f"nodes on a cluster do not see this machine's folders; got {place}"
        )
