"""Everything that the generated files say, taken from the config once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rankbeam.serving.batching_spec import BatchingSpec
from rankbeam.serving.manifests.names import dns_label
from rankbeam.serving.manifests.spec import DeploymentSpec
from rankbeam.serving.manifests.stores import FolderStore

GRPC_PORT: Final = 8500
REST_PORT: Final = 8501
SETTINGS_FOLDER: Final = "/etc/tensorflow-serving"
TLS_FOLDER: Final = "/etc/tensorflow-serving-tls"
TLS_FILE: Final = "ssl.config"


@dataclass(frozen=True, slots=True)
class Plan:
    """One model's deployment.

    Attributes:
        model_name: the name that clients ask for.
        config_name: file name of the config, for the files' headers.
        deployment: the config's section.
        batching: the config's section; None where requests are not gathered into batches.
        pushed: absolute folder that runs push to.
        logs_requests: whether the config asks for a request log.
    """

    model_name: str
    config_name: str
    deployment: DeploymentSpec
    batching: BatchingSpec | None
    pushed: Path
    logs_requests: bool

    @property
    def name(self) -> str:
        """The name of the Kubernetes objects and of Prometheus's job."""
        return dns_label(self.model_name)

    @property
    def image(self) -> str:
        """The server's image with its tag."""
        return f"{self.deployment.image}:{self.deployment.tag}"

    @property
    def model_folder(self) -> str:
        """Where the version folders are mounted inside the server's container."""
        return f"/models/{self.model_name}"

    @property
    def host_folder(self) -> Path:
        """The version folders on the machine that runs Compose."""
        store = self.deployment.model_store
        return Path(store.path).absolute() if isinstance(store, FolderStore) else self.pushed
