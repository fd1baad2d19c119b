"""The config's `serving.request_log` section."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from rankbeam.serving.settings.logging import LoggingSettings
from rankbeam.transform.specs.base import StrictModel


class RequestLogSpec(StrictModel):
    """Logs sampled requests with their scores, as TFRecord files of PredictionLogs."""

    folder: Annotated[str, Field(min_length=1)] = Field(
        description=(
            "Folder on a local disk, relative to the config's; each UTC day is a span in it."
        )
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

    @field_validator("folder")
    @classmethod
    def _on_a_local_disk(cls, value: str) -> str:
        if "://" in value:
            raise ValueError(f"folder must be on a local disk; got {value}")
        return value

    def settings(self, base_dir: Path) -> LoggingSettings:
        """The section as the server takes it.

        Args:
            base_dir: folder that `folder` is relative to.
        """
        return LoggingSettings(
            folder=base_dir / self.folder,
            sampling_rate=self.sampling_rate,
            rotate_bytes=max(1, round(self.rotate_mb * (1 << 20))),
            rotate_s=self.rotate_s,
            max_queued=self.max_queued,
            max_queued_bytes=max(1, round(self.max_queued_mb * (1 << 20))),
        )
