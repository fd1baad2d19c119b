"""Schema contract specs: what the config promises about the columns of the log."""

from collections.abc import Mapping

from pydantic import Field

from rankbeam.transform.specs.base import StrictModel


class SchemaContractOptions(StrictModel):
    """What the executor is told; every name is a column of the log."""

    labels: tuple[str, ...] = Field(description="Required, one value each, 0 or 1.")
    features: tuple[str, ...] = Field(description="Present somewhere, missing in any row.")
    numeric: tuple[str, ...] = Field(
        default=(), description="Features among them that must be finite numbers."
    )
    multivalent: tuple[str, ...] = Field(
        default=(), description="Features among them that may hold more than one value."
    )
    domains: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Features among them to their closed set of values."
    )
    kept: tuple[str, ...] = Field(
        default=(), description="Further columns of the examples, about which nothing is promised."
    )
    curated: bool = Field(
        default=False,
        description=(
            "The schema was written by hand: its own bounds stay, it must name every feature and "
            "label, and its columns that the run does not read are left out."
        ),
    )
