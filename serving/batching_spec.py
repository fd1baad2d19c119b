"""The config's `serving.batching` section: TensorFlow Serving's batching parameters, validated."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field, model_validator

from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.settings.checks import InvalidSetting
from rankbeam.transform.specs.base import StrictModel


class BatchingSpec(StrictModel):
    """How a server gathers small requests into batches; without the section it does not.

    Worth it for many requests of few candidates at the same time. A request that already carries a
    hundred candidates only waits longer.
    """

    max_batch_size: Annotated[int, Field(ge=1)] = Field(
        default=128, description="Candidates of one batch, hence also of one request."
    )
    batch_timeout_micros: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="How long the oldest request waits for others, in µs, while a thread is free.",
    )
    max_enqueued_batches: Annotated[int, Field(ge=1)] = Field(
        default=100, description="Batches that may wait; a request beyond them is UNAVAILABLE."
    )
    num_batch_threads: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Batches that run at once; by default the server's CPUs."
    )
    allowed_batch_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), description="Sizes that batches are padded to; the last is max_batch_size."
    )

    @model_validator(mode="after")
    def _as_tensorflow_serving_takes_them(self) -> "BatchingSpec":
        try:
            self.settings()
        except InvalidSetting as error:
            raise ValueError(str(error)) from error
        return self

    def settings(self) -> BatchingSettings:
        """The section as the server takes it."""
        settings = BatchingSettings(
            max_batch_size=self.max_batch_size,
            batch_timeout_micros=self.batch_timeout_micros,
            max_enqueued_batches=self.max_enqueued_batches,
            allowed_batch_sizes=self.allowed_batch_sizes,
        )
        if self.num_batch_threads is None:
            return settings
        return replace(settings, num_batch_threads=self.num_batch_threads)
