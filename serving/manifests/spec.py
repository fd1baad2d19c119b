"""The config's `serving.deployment` section: what the generated deployment files say."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from rankbeam.serving.manifests.names import DnsLabel, DnsName
from rankbeam.serving.manifests.quantities import Cpu, Memory, cpu_cores, memory_bytes
from rankbeam.serving.manifests.stores import ClaimStore, ModelStore
from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.paths import local

Port = Annotated[int, Field(ge=1, le=65535)]
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*$")]
ImageTag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
PinnedImage = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*[a-z0-9]:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")
]
_KEY = local(
    "a file of the machine that runs Compose",
    "it holds the server's private key, which is not to travel",
)


class ReplicasSpec(StrictModel):
    """How many servers run, and when another one is started."""

    min: Annotated[int, Field(ge=1)] = Field(
        default=2, description="Servers that always run; two survive the loss of a node."
    )
    max: Annotated[int, Field(ge=1)] = Field(default=8, description="Most servers under load.")
    target_cpu_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        default=70, description="Share of the requested CPU above which servers are added."
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ReplicasSpec":
        if self.max < self.min:
            raise ValueError(f"max must be >= min ({self.min}); got {self.max}")
        return self


class ResourcesSpec(StrictModel):
    """CPU and memory of one server, in Kubernetes' notation."""

    cpu_request: Cpu = Field(default="1", description="CPU that is reserved: 500m, 2.")
    cpu_limit: Cpu | None = Field(
        default=None,
        description="CPU that is never exceeded; none by default, as throttling lengthens the "
        "slowest answers.",
    )
    memory_request: Memory = Field(default="2Gi", description="Memory that is reserved.")
    memory_limit: Memory = Field(
        default="4Gi",
        description="Memory above which the server is killed; while versions are swapped, two are "
        "in memory.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ResourcesSpec":
        if self.cpu_limit is not None and cpu_cores(self.cpu_limit) < cpu_cores(self.cpu_request):
            raise ValueError(
                f"cpu_limit must be >= cpu_request ({self.cpu_request}); got {self.cpu_limit}"
            )
        if memory_bytes(self.memory_limit) < memory_bytes(self.memory_request):
            raise ValueError(
                f"memory_limit must be >= memory_request ({self.memory_request}); "
                f"got {self.memory_limit}"
            )
        return self


class ServiceSpec(StrictModel):
    """Where clients reach the servers."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP", description="Kind of the Kubernetes Service."
    )
    grpc_port: Port = Field(default=8500, description="Port of gRPC, on the Service and the host.")
    rest_port: Port = Field(default=8501, description="Port of REST, on the Service and the host.")
    annotations: Mapping[str, str] = Field(
        default={}, description="Annotations of the Service, such as a cloud's load balancer's."
    )

    @model_validator(mode="after")
    def _distinct(self) -> "ServiceSpec":
        if self.grpc_port == self.rest_port:
            raise ValueError(f"rest_port must differ from grpc_port; got {self.rest_port}")
        return self


class MonitoringSpec(StrictModel):
    """Prometheus and Grafana."""

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./-]+$")] = Field(
        default="/monitoring/prometheus/metrics", description="REST path of the metrics."
    )
    scrape_interval_s: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=15, description="Seconds between two readings of the metrics."
    )
    retention_days: Annotated[int, Field(ge=1)] = Field(
        default=15, description="Days that Compose's Prometheus keeps its data."
    )

    @field_validator("path")
    @classmethod
    def _apart_from_models(cls, path: str) -> str:
        if path.startswith("/v1/"):
            raise ValueError(f"path must not begin with /v1/, where the models are; got {path}")
        return path

    prometheus_image: PinnedImage = Field(
        default="prom/prometheus:v3.5.0", description="Compose's Prometheus."
    )
    grafana_image: PinnedImage = Field(
        default="grafana/grafana:11.6.0", description="Compose's Grafana."
    )
    prometheus_port: Port = Field(default=9090, description="Prometheus's port on the host.")
    grafana_port: Port = Field(default=3000, description="Grafana's port on the host.")


class TlsSpec(StrictModel):
    """Certificates of the gRPC port: a file that `rankbeam serving ssl-config` writes.

    As in TensorFlow Serving, REST stays plain HTTP.
    """

    secret: DnsName = Field(
        description="Kubernetes Secret that holds the file under the key ssl.config."
    )
    file: Annotated[str, Field(min_length=1), _KEY] = Field(
        default="ssl.config",
        description="The file on the machine that runs Compose, from its working directory; "
        "`run_as_user` must be able to read it.",
    )


class DeploymentSpec(StrictModel):
    """What `rankbeam serving manifests` writes into the deployment files."""

    image: ImageName = Field(
        default="tensorflow/serving", description="Image of TensorFlow Serving, without its tag."
    )
    tag: ImageTag = Field(default="2.19.1", description="The image's tag; pin one.")
    namespace: DnsLabel | None = Field(
        default=None, description="Kubernetes namespace; by default kubectl's current one."
    )
    create_namespace: bool = Field(
        default=False, description="true also writes the Namespace; needs `namespace`."
    )
    service_account: DnsName | None = Field(
        default=None,
        description="Kubernetes service account of the servers, for rights on a bucket.",
    )
    model_store: ModelStore = Field(
        default=ClaimStore(), description="Where the servers find the pushed versions."
    )
    keep_versions: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Newest versions that are served side by side."
    )
    poll_s: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=2, description="Seconds between two looks for new versions."
    )
    rest_timeout_ms: Annotated[int, Field(ge=1)] = Field(
        default=30_000, description="Longest time that a REST request may take."
    )
    replicas: ReplicasSpec = ReplicasSpec()
    resources: ResourcesSpec = ResourcesSpec()
    service: ServiceSpec = ServiceSpec()
    monitoring: MonitoringSpec = MonitoringSpec()
    tls: TlsSpec | None = Field(
        default=None, description="Certificates of the gRPC port; by default it is plain text."
    )
    start_timeout_s: Annotated[int, Field(ge=10)] = Field(
        default=300, description="Longest time from a container's start to its first loaded model."
    )
    drain_s: Annotated[int, Field(ge=1, le=600)] = Field(
        default=15,
        description="Seconds that a server which is taken away still answers, so that balancers "
        "notice first.",
    )
    run_as_user: Annotated[int, Field(ge=1)] = Field(
        default=10_001, description="User and group id of the server's process; never root."
    )
    kserve_protocol: Literal["v1", "grpc-v1"] = Field(
        default="v1",
        description="What KServe exposes of TensorFlow Serving, one of its ports: v1 is REST, "
        "grpc-v1 is gRPC.",
    )

    @model_validator(mode="after")
    def _namespace_is_named(self) -> "DeploymentSpec":
        if self.create_namespace and self.namespace is None:
            raise ValueError("namespace must be given with create_namespace; got nothing")
        return self
