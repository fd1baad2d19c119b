"""Data gate specs: which faults of the data stop a run."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from rankbeam.transform.specs.base import StrictModel


class DataGateSpec(StrictModel):
    """The config's `gates.data` section; every check is on unless switched off by name."""

    allow_anomalies: tuple[str, ...] = Field(
        default=(),
        description=(
            "Columns whose schema anomalies, or lack of any value, are reported but do not stop."
        ),
    )
    max_funnel_violations: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="Rows, over both splits, whose task is 1 though the task it is given is 0.",
    )
    min_rows: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Fewest rows in each split."
    )
    allow_constant_label: bool = Field(
        default=False, description="Let a label pass that is the same for every row of a split."
    )


class FunnelEdge(StrictModel):
    """Label `label` cannot be 1 where label `given` is 0."""

    label: str
    given: str


class DataGateOptions(StrictModel):
    """What the executor is told: the config's section plus what the tasks and features say."""

    gate: DataGateSpec
    labels: tuple[str, ...]
    funnel: tuple[FunnelEdge, ...]
    features: tuple[str, ...] = Field(description="Columns that must hold at least one value.")
    ids: tuple[str, ...] = Field(
        default=(), description="Columns that name a row at fault in messages."
    )
    domains: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Columns to their closed set of values; checked here for integer columns only.",
    )
