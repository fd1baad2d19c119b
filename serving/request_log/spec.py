"""The config's `serving.request_log` section."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from rankbeam.serving.request_log.archive import copy_locally
from rankbeam.serving.settings.logging import ArchiveSettings, LoggingSettings, Put
from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.paths import local

ARCHIVE_SCHEMES = ("gs://", "s3://", "hdfs://")
"""Of the places where a file is there whole or not at all."""

_LOCAL = local(
    "a folder on a local disk",
    "records are appended to its files and made durable there (archive moves finished files "
    "to a URI)",
)


class RequestLogSpec(StrictModel):
    """Logs sampled requests with their scores, as TFRecord files of PredictionLogs."""

    folder: Annotated[str, Field(min_length=1), _LOCAL] = Field(
        description=(
            "Folder on a local disk, relative to the config's; each UTC day is a span in it."
        )
    )
    archive: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description=(
            "Where finished files are moved to, day by day: a gs://, s3:// or hdfs:// URI, or a "
            "folder relative to the config's. None leaves them where they are."
        ),
    )
    sampling_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="Fraction of requests to log; the request id decides which."
    )
    rotate_mb: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=64.0, description="A file of this size, in 2^20 bytes, is finished."
    )
    rotate_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=600.0, description="A file of this age, in seconds, is finished."
    )
    max_queued: Annotated[int, Field(ge=1)] = Field(
        default=1000,
        description="Requests that may wait to be written; more are dropped, and counted.",
    )
    max_queued_mb: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=64.0,
        description=(
            "Requests and answers that may wait, in 2^20 bytes; more are dropped, and counted."
        ),
    )

    @field_validator("archive")
    @classmethod
    def _where_files_appear_whole(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and not value.startswith(ARCHIVE_SCHEMES):
            raise ValueError(
                f"archive must be a folder or begin with {', '.join(ARCHIVE_SCHEMES)}; got {value}"
            )
        return value

    @model_validator(mode="after")
    def _elsewhere(self) -> "RequestLogSpec":
        if self.archive and os.path.normpath(self.archive) == os.path.normpath(self.folder):
            raise ValueError(f"archive must not be the log's own folder; got {self.archive}")
        return self

    @property
    def archive_is_remote(self) -> bool:
        """Whether finished files go to a URI."""
        return self.archive is not None and "://" in self.archive

    def settings(self, base_dir: Path, put: Put = copy_locally) -> LoggingSettings:
        """The section as the server takes it.

        Args:
            base_dir: folder that `folder` and a local `archive` are relative to.
            put: copies a file to the archive.
        """
        archive = None
        if self.archive is not None:
            place = self.archive if self.archive_is_remote else str(base_dir / self.archive)
            archive = ArchiveSettings(place, put)
        return LoggingSettings(
            folder=base_dir / self.folder,
            sampling_rate=self.sampling_rate,
            rotate_bytes=max(1, round(self.rotate_mb * (1 << 20))),
            rotate_s=self.rotate_s,
            max_queued=self.max_queued,
            max_queued_bytes=max(1, round(self.max_queued_mb * (1 << 20))),
            archive=archive,
        )
