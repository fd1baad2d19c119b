"""Task specs: which outcomes are predicted, and how they form a funnel.

A task is a binary outcome of an impression. `given` names the outcome that must have happened
first, so ``conversion: {label: conversion, given: click}`` says that the task's own probability
is P(conversion | click) and that P(click, conversion) is their product. Without `given` the
probability is over all impressions. Losses, masks, metrics and signatures follow from this graph.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from rankbeam.transform.specs.base import StrictModel


class TaskSpec(StrictModel):
    """One binary outcome."""

    label: Annotated[str, Field(min_length=1)] = Field(
        description="Column of the log holding the outcome, 0 or 1 for every impression."
    )
    given: str | None = Field(
        default=None, description="The task whose outcome must be 1 before this one can be."
    )
    weight: Annotated[float, Field(gt=0)] = Field(
        default=1.0, description="Weight of the task's loss in the sum."
    )
    role: Literal["primary", "auxiliary"] = Field(
        default="primary",
        description="An auxiliary task trains the shared layers but is neither served nor gated.",
    )
    joint: str | None = Field(
        default=None,
        description=(
            "Output name of the joint probability along `given`; by default ctcvr where one task "
            "is conditional, else joint_<task>."
        ),
    )


TaskSpecs = Mapping[str, TaskSpec]
