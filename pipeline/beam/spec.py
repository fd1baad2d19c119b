"""The config's `beam` section: which runner, how each is reached, and what differs by node."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.paths import local

BeamRunner = Literal["direct", "flink", "spark", "dataflow"]
RUNNERS: tuple[BeamRunner, ...] = get_args(BeamRunner)
BeamNode = Literal["StatisticsGen", "Transform", "Evaluator"]
"""The nodes that run a Beam pipeline; ExampleGen runs none, whatever the source (decision 0007)."""

Count = Annotated[int, Field(ge=1)]
Endpoint = Annotated[str, Field(pattern=r"^[^\s:/]+:\d{1,5}$")]
Text = Annotated[str, Field(min_length=1)]
Bucket = Annotated[str, Field(pattern=r"^gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?$")]
Options = tuple[str, ...]
_PROGRAM = local("a program on the task managers' machines", "they start it")


class DirectSpec(StrictModel):
    """Beam's own runner, in the run's process or beside it on this machine."""

    running_mode: Literal["in_memory", "multi_threading", "multi_processing"] = "in_memory"
    num_workers: Count = 1


class LoopbackEnvironment(StrictModel):
    """Python runs in the run's own process; for an engine on this machine."""

    kind: Literal["loopback"]


class ProcessEnvironment(StrictModel):
    """Each task manager starts Python processes beside itself."""

    kind: Literal["process"]
    command: Annotated[Text, _PROGRAM] | None = Field(
        default=None,
        description=(
            "Program that starts a worker, as Beam's PROCESS environment calls it; by default one "
            "with this run's Python, which every task manager must find under the same path."
        ),
    )


class ExternalEnvironment(StrictModel):
    """A worker pool that runs beside each task manager already."""

    kind: Literal["external"]
    address: Endpoint = Field(
        default="localhost:50000",
        description="As seen from a task manager; two of them must not share one pool.",
    )


class DockerEnvironment(StrictModel):
    """Each task manager starts containers."""

    kind: Literal["docker"]
    image: Text = Field(description="Image with Beam's SDK, Rankbeam and its dependencies.")


Environment = Annotated[
    LoopbackEnvironment | ProcessEnvironment | ExternalEnvironment | DockerEnvironment,
    Field(discriminator="kind"),
]


class SparkTuning(StrictModel):
    """What may differ by node on Spark; how many tasks run at a time is Spark's own setting."""

    sdk_worker_parallelism: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Python processes per task manager; 0 for one per core. By default one.",
    )


class FlinkTuning(SparkTuning):
    """What may differ by node on Flink."""

    parallelism: Count | None = Field(
        default=None, description="Tasks at a time; by default the slots of the engine that is up."
    )


class PortableSpec(StrictModel):
    """An engine that Beam's job service stands before."""

    job_endpoint: Endpoint | None = Field(
        default=None,
        description="host:port of Beam's job service; by default the engine that is up here.",
    )
    artifact_endpoint: Endpoint | None = Field(
        default=None, description="host:port for staged files; by default as the job service says."
    )
    environment: Environment | None = Field(
        default=None,
        description=(
            "Where Python runs; by default as `rankbeam engine up` set the engine up, and for a "
            "job_endpoint on this machine in the run's own process."
        ),
    )
    job_server_timeout_s: Count = 60


class FlinkSpec(PortableSpec, FlinkTuning):
    """Flink."""


class SparkSpec(PortableSpec, SparkTuning):
    """Spark."""


class DataflowTuning(StrictModel):
    """What may differ by node on Dataflow."""

    machine_type: Text | None = None
    disk_size_gb: Count | None = None
    num_workers: Count | None = None
    max_num_workers: Count | None = None


class DataflowSpec(DataflowTuning):
    """Google Cloud Dataflow."""

    project: Text
    region: Text
    temp_location: Bucket = Field(description="gs:// folder for temporary files.")
    staging_location: Bucket | None = None
    sdk_container_image: Text = Field(
        description="Image with Beam's SDK, Rankbeam and its dependencies; workers run it."
    )
    service_account_email: Text | None = None
    network: Text | None = None
    subnetwork: Text | None = None
    use_public_ips: bool = True


def _check_options(options: Options) -> Options:
    for option in options:
        if not option.startswith("--") or option == "--":
            raise ValueError(f"options must each begin with --; got {option!r}")
    return options


class NodeBeamSpec(StrictModel):
    """What differs for one node; the rest is as for all."""

    runner: BeamRunner | None = None
    direct: DirectSpec | None = None
    flink: FlinkTuning | None = None
    spark: SparkTuning | None = None
    dataflow: DataflowTuning | None = None
    options: Options = Field(default=(), description="After those of all nodes.")

    _options = field_validator("options")(_check_options)


class BeamSpec(StrictModel):
    """Where Beam stages run; sections of runners other than `runner` wait for --beam-runner."""

    runner: BeamRunner = "direct"
    direct: DirectSpec = DirectSpec()
    flink: FlinkSpec = FlinkSpec()
    spark: SparkSpec = SparkSpec()
    dataflow: DataflowSpec | None = None
    worker_start_timeout_s: Count = Field(
        default=60,
        description=(
            "Time for a first Python worker to start, wherever Beam waits without limit for one: "
            "on Flink and Spark, and on Beam's own runner in threads or processes."
        ),
    )
    options: Options = Field(
        default=(), description="Further options of Beam or its runner, as --name=value."
    )
    nodes: Mapping[BeamNode, NodeBeamSpec] = Field(default_factory=dict)

    _options = field_validator("options")(_check_options)
