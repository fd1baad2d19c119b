"""Evaluation specs: metrics, slices and gates."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from rankbeam.components.evaluator.catalog import METRICS, Metric
from rankbeam.transform.specs.base import StrictModel

SliceValue = str | int | float


class MetricGate(StrictModel):
    """A bound on one metric of one output, overall or in one slice."""

    output: Annotated[str, Field(min_length=1)] = Field(
        description="A primary task, or the joint output such as ctcvr."
    )
    metric: Metric
    min: float | None = Field(default=None, description="Blessed only at or above this value.")
    max: float | None = Field(default=None, description="Blessed only at or below this value.")
    max_worse: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description=(
            "Largest absolute loss of quality against the last blessed model, in the metric's "
            "own direction (auc falls, log_loss rises)."
        ),
    )
    max_worse_relative: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="The same as a fraction of the last blessed model's value."
    )
    slice: Mapping[str, SliceValue] = Field(
        default_factory=dict,
        description="Column to value; empty for all rows. The columns must be among `slices`.",
    )

    @model_validator(mode="after")
    def _bounds_something(self) -> "MetricGate":
        bounds = (self.min, self.max, self.max_worse, self.max_worse_relative)
        if all(bound is None for bound in bounds):
            raise ValueError("a gate must set min, max, max_worse or max_worse_relative")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must be <= max {self.max}; got {self.min}")
        if METRICS[self.metric].better == "neither" and (
            self.max_worse is not None or self.max_worse_relative is not None
        ):
            raise ValueError(f"{self.metric} has no better direction; use min and max")
        return self


class EvaluationSpec(StrictModel):
    """The config's `evaluation` section."""

    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] = (
        "auc",
        "pr_auc",
        "log_loss",
        "normalized_entropy",
        "calibration",
        "ece",
        "example_count",
    )
    slices: tuple[tuple[str, ...], ...] = Field(
        default=(), description="Each a list of columns: one for a slice, two or more for a cross."
    )
    gates: tuple[MetricGate, ...] = ()
    calibration_plot: bool = True
    min_slice_rows: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description=(
            "An output's slice with fewer rows gets no metrics, only its count, and fails a gate; "
            "the slice of all rows is measured whatever its size."
        ),
    )


class EvaluatedOutput(StrictModel):
    """One output of the model, the label it is compared with and the rows that count."""

    name: str
    label: str
    given_label: str | None = None
