"""Kubeflow specs: image, places on the cluster, and what each node gets of it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.paths import local

NodeName = Literal[
    "ExampleGen",
    "StatisticsGen",
    "SchemaGen",
    "ImportSchemaGen",
    "SchemaContract",
    "ExampleValidator",
    "DataGate",
    "Transform",
    "Trainer",
    "Baseline",
    "Evaluator",
    "InfraValidator",
    "ParityCheck",
    "Pusher",
]
Text = Annotated[str, Field(min_length=1)]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
MountPath = Annotated[
    str, Field(pattern=r"^/.+$"), local("a path in the container", "what is mounted appears there")
]

# These look at what may have changed outside the pipeline.
NEVER_CACHED = frozenset({"Baseline", "Pusher"})
CACHED_ONLY_BY_NAME = frozenset({"ExampleGen"})


class AcceleratorSpec(StrictModel):
    """Accelerators of a node."""

    type: Text = Field(
        description=(
            "Kubeflow: the cluster's resource, such as nvidia.com/gpu; Vertex: a type such as "
            "NVIDIA_TESLA_T4."
        )
    )
    count: Annotated[int, Field(ge=1)] = 1


class RetrySpec(StrictModel):
    """What happens when a node fails."""

    max_retries: Annotated[int, Field(ge=0)] = Field(
        description="Further attempts after the first; 0 for none."
    )
    backoff_s: Annotated[float, Field(ge=0)] = Field(
        default=30, description="Wait before the first further attempt."
    )
    backoff_factor: Annotated[float, Field(ge=1)] = Field(
        default=2, description="Each wait is so many times the one before."
    )
    max_backoff_s: Annotated[float, Field(ge=0)] = Field(
        default=600, description="The longest wait."
    )


class SecretSpec(StrictModel):
    """A Kubernetes secret, as environment variables, as files, or both."""

    name: Text = Field(description="Name of the secret in the pipeline's namespace.")
    env: Mapping[EnvName, Text] = Field(
        default_factory=dict, description="Environment variable to key of the secret."
    )
    mount_path: MountPath | None = Field(
        default=None, description="Folder in which each key is a file."
    )

    @model_validator(mode="after")
    def _is_used(self) -> "SecretSpec":
        if not self.env and self.mount_path is None:
            raise ValueError(f"a secret must set env or mount_path; got neither for {self.name}")
        return self


class VolumeSpec(StrictModel):
    """A persistent volume claim that every node mounts."""

    claim: Text = Field(description="Name of the claim in the pipeline's namespace.")
    mount_path: MountPath


class NodeSettings(StrictModel):
    """What a node gets; unset fields are left to the cluster."""

    cpu: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Cores.")
    memory_gb: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Memory in 10^9 bytes; a node that needs more is killed."
    )
    accelerator: AcceleratorSpec | None = None
    retries: RetrySpec | None = None
    cache: bool | None = Field(
        default=None,
        description=(
            "Whether an earlier run's outputs are taken where inputs and parameters are equal "
            "(true where unset). ExampleGen, which cannot see that data have changed, only where "
            "its own settings say so; Baseline and Pusher never."
        ),
    )
    node_selector: Mapping[Text, str] = Field(
        default_factory=dict, description="Labels that the Kubernetes node must have."
    )
    env: Mapping[EnvName, str] = Field(default_factory=dict, description="Environment variables.")
    secrets: tuple[SecretSpec, ...] = ()


class KubeflowSpec(StrictModel):
    """The config's `kubeflow` section."""

    image: Text | None = Field(
        default=None,
        description=(
            "Container image of all nodes, made from the project's Dockerfile; by default "
            "rankbeam:<version>."
        ),
    )
    pipeline_root: Text | None = Field(
        default=None,
        description=(
            "Where artifacts are kept, such as gs://bucket/pipelines; by default the cluster's own "
            "place. Vertex needs one, on gs://."
        ),
    )
    data_root: Text | None = Field(
        default=None,
        description=(
            "Folder that relative data paths start from: a URI, or a path in a volume; where "
            "unset, a run must be told data_path."
        ),
    )
    volumes: tuple[VolumeSpec, ...] = ()
    defaults: NodeSettings = Field(
        default=NodeSettings(), description="What every node gets unless `nodes` says otherwise."
    )
    nodes: Mapping[NodeName, NodeSettings] = Field(
        default_factory=dict,
        description=(
            "Node to its own settings: a set field replaces that of `defaults`; env and "
            "node_selector are merged by key, secrets added."
        ),
    )

    def settings_of(self, node: str) -> NodeSettings:
        """What a node gets, with `cache` settled."""
        own = next((own for name, own in self.nodes.items() if name == node), NodeSettings())
        base = self.defaults
        merged = {
            name: getattr(own, name) if getattr(own, name) is not None else getattr(base, name)
            for name in ("cpu", "memory_gb", "accelerator", "retries", "cache")
        }
        if node in NEVER_CACHED or (node in CACHED_ONLY_BY_NAME and own.cache is None):
            merged["cache"] = False
        return NodeSettings(
            **{**merged, "cache": merged["cache"] is not False},
            node_selector={**base.node_selector, **own.node_selector},
            env={**base.env, **own.env},
            secrets=(*base.secrets, *own.secrets),
        )

    @model_validator(mode="after")
    def _caches_only_what_it_can(self) -> "KubeflowSpec":
        for name, settings in self.nodes.items():
            if name in NEVER_CACHED and settings.cache:
                raise ValueError(
                    f"kubeflow.nodes.{name}.cache must not be true, since the node looks at "
                    "push.destination, which changes; got true"
                )
        return self
