"""Where servers find the pushed versions: a folder, a Kubernetes volume claim, or a bucket."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator

from rankbeam.serving.manifests.names import DnsLabel, DnsName
from rankbeam.serving.manifests.quantities import Memory
from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.paths import local

_MOUNTED = local(
    "a folder that the servers' machines see", "containers mount it (kind: bucket takes a URI)"
)
_INSIDE = local("a folder inside the volume", "a claim holds it (kind: bucket takes a URI)")


def _check_inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts:
        raise ValueError(f"sub_path must stay inside the volume; got {path}")
    return path


class FolderStore(StrictModel):
    """A folder that every machine sees under the same path, such as a mounted network drive."""

    kind: Literal["folder"] = "folder"
    path: Annotated[str, Field(min_length=1), _MOUNTED] = Field(
        description="Folder of the version folders. Kubernetes needs an absolute path; for "
        "Compose a relative one starts at the working directory."
    )


class ClaimStore(StrictModel):
    """A Kubernetes persistent volume claim that pushes write to and servers read from."""

    kind: Literal["claim"] = "claim"
    claim: DnsLabel | None = Field(
        default=None, description="A claim that exists; by default one is made for the model."
    )
    sub_path: Annotated[str, _INSIDE] = Field(
        default="", description="Folder of the version folders inside the volume; empty: its root."
    )
    size: Memory = Field(default="10Gi", description="Size of a claim that is made.")
    storage_class: DnsName | None = Field(
        default=None, description="Storage class of a claim that is made; by default the cluster's."
    )
    access_mode: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"] = Field(
        default="ReadWriteMany",
        description="Access mode of a claim that is made; servers on several nodes need Many.",
    )

    _inside = field_validator("sub_path")(_check_inside)


class BucketStore(StrictModel):
    """A bucket. TensorFlow Serving reads gs:// itself; KServe copies either from there."""

    kind: Literal["bucket"] = "bucket"
    uri: Annotated[str, Field(pattern=r"^(gs|s3)://[a-z0-9][a-z0-9._-]+(/[^/\s]+)*$")] = Field(
        description="Address of the folder of the version folders, without a slash at the end."
    )


ModelStore = Annotated[FolderStore | ClaimStore | BucketStore, Field(discriminator="kind")]
