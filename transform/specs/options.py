"""What the Transform and Trainer executors are told about features and labels."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.features import Feature, NumericFeature, column_of

# The key of `custom_config` under which the options travel, as JSON.
CONFIG_KEY = "rankbeam"


def indicator_name(feature: str) -> str:
    """Name of the input that is 1 where numeric `feature` was missing."""
    return f"{feature}__missing"


class TransformOptions(StrictModel):
    """Features and label columns of one model; every transformed name is unique.

    Raises:
        ValueError: No feature, two features on one column, a label that is also a feature's
            column, a label named twice, or two transformed columns of one name.
    """

    features: Annotated[Mapping[str, Feature], Field(min_length=1)]
    labels: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _columns_are_used_once(self) -> "TransformOptions":
        users: dict[str, str] = {}
        for name, feature in self.features.items():
            column = column_of(name, feature)
            if column in users:
                raise ValueError(
                    f"features.{name}.column must be read by one feature only; got {column}, "
                    f"which features.{users[column]} reads too"
                )
            users[column] = name
        for label in self.labels:
            if label in users:
                raise ValueError(f"features.{users[label]}.column must not be a label; got {label}")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> "TransformOptions":
        seen: dict[str, str] = {}
        for name, owner in self._outputs():
            if not name:
                raise ValueError("features must have names; got an empty one")
            if name in seen:
                raise ValueError(
                    f"transformed columns must have names of their own; got {name} from "
                    f"{seen[name]} and from {owner}"
                )
            seen[name] = owner
        return self

    def _outputs(self) -> Iterator[tuple[str, str]]:
        for name, feature in self.features.items():
            yield name, f"features.{name}"
            if isinstance(feature, NumericFeature) and feature.missing_indicator:
                yield indicator_name(name), f"features.{name}.missing_indicator"
        for label in self.labels:
            yield label, f"label {label}"
