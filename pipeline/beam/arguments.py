"""The words that Beam's option parser gets, from settings that are decided."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rankbeam.pipeline.beam.spec import (
    DataflowSpec,
    DirectSpec,
    DockerEnvironment,
    Environment,
    ExternalEnvironment,
    FlinkSpec,
    ProcessEnvironment,
    SparkSpec,
)

Arguments = tuple[str, ...]

WORKER_START_FLAG = "--rankbeam_worker_start_timeout_s"
"""How a compiled node is told the time for a worker to start; its entry point takes it out."""

SEND_NOTHING = "--sdk_container_image=installed"
"""Keeps TFX from packing itself up for Beam's workers.

Unless it is told where workers have TFX from, every executor copies the installed package to a new
folder in the temporary directory, makes a source distribution of it and leaves both there: 3 s and
50 MB for each node. Here workers import what is installed beside them. Only containers look at the
image, and they have one named.
"""

NO_PRISM = "--allow_unsafe_triggers"
"""Keeps Beam 2.77's DirectRunner from handing jobs to Prism, another runner of its own.

It does so unless a job has something that Prism lacks, such as what this lets triggers do, of which
a batch job has none. Prism is fetched from GitHub when a job starts, and StatisticsGen fails on it.
"""

_WITH_WORKERS = ("multi_threading", "multi_processing")


@dataclass(frozen=True)
class Place:
    """Where Flink or Spark is, and where its Python runs.

    Attributes:
        endpoint: `host:port` of Beam's job service.
        environment: Where Python runs; of a process, with its command.
        slots: Tasks that it runs at a time; None where that is not known.
        worker_kept_ms: How long a worker that has nothing to do waits for the job's next stage;
            None for Beam's default, not at all.
    """

    endpoint: str
    environment: Environment
    slots: int | None = None
    worker_kept_ms: int | None = None


def direct_arguments(spec: DirectSpec) -> Arguments:
    """For Beam's own runner."""
    return (
        "--runner=DirectRunner",
        f"--direct_running_mode={spec.running_mode}",
        f"--direct_num_workers={spec.num_workers}",
        NO_PRISM,
        SEND_NOTHING,
    )


def portable_arguments(spec: FlinkSpec | SparkSpec, place: Place) -> Arguments:
    """For Flink or Spark behind a job service."""
    words = ["--runner=PortableRunner", f"--job_endpoint={place.endpoint}"]
    words.append(f"--job_server_timeout={spec.job_server_timeout_s}")
    if spec.artifact_endpoint is not None:
        words.append(f"--artifact_endpoint={spec.artifact_endpoint}")
    words.extend(_environment(place.environment))
    if spec.sdk_worker_parallelism is not None:
        words.append(f"--sdk_worker_parallelism={spec.sdk_worker_parallelism}")
    if place.worker_kept_ms is not None:
        words.append(f"--environment_cache_millis={place.worker_kept_ms}")
    if isinstance(spec, FlinkSpec):
        parallelism = place.slots if spec.parallelism is None else spec.parallelism
        if parallelism is not None:
            words.append(f"--parallelism={parallelism}")
    return (*words, SEND_NOTHING)


def on_a_job_service(words: Sequence[str]) -> bool:
    """Whether these words send a job to Flink or Spark."""
    return "--runner=PortableRunner" in words


def waits_for_workers(words: Sequence[str]) -> bool:
    """Whether by these words Beam waits without limit for a worker to start."""
    return on_a_job_service(words) or starts_own_workers(words)


def starts_own_workers(words: Sequence[str]) -> bool:
    """Whether by these words Beam's own runner starts workers beside itself."""
    return any(f"--direct_running_mode={mode}" in words for mode in _WITH_WORKERS)


def dataflow_arguments(spec: DataflowSpec) -> Arguments:
    """For Google Cloud Dataflow."""
    values = {
        "project": spec.project,
        "region": spec.region,
        "temp_location": spec.temp_location,
        "staging_location": spec.staging_location,
        "sdk_container_image": spec.sdk_container_image,
        "service_account_email": spec.service_account_email,
        "network": spec.network,
        "subnetwork": spec.subnetwork,
        "machine_type": spec.machine_type,
        "disk_size_gb": spec.disk_size_gb,
        "num_workers": spec.num_workers,
        "max_num_workers": spec.max_num_workers,
    }
    words = [f"--{name}={value}" for name, value in values.items() if value is not None]
    if not spec.use_public_ips:
        words.append("--no_use_public_ips")
    # The image holds all that workers import; nothing is to be sent after it.
    return ("--runner=DataflowRunner", *words, "--sdk_location=container")


def _environment(environment: Environment) -> Iterator[str]:
    yield f"--environment_type={environment.kind.upper()}"
    if isinstance(environment, ProcessEnvironment):
        assert environment.command is not None  # `Place` promises it
        yield f"--environment_config={json.dumps({'command': environment.command})}"
    elif isinstance(environment, ExternalEnvironment):
        yield f"--environment_config={environment.address}"
    elif isinstance(environment, DockerEnvironment):
        yield f"--environment_config={environment.image}"
