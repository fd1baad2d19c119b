"""The order in which columns are stacked, so that one op or one accumulator serves them all.

Every consumer (the graph, the analyzer, the layout) derives its order from here. Columns are sorted
by feature name, so the order of the config does not matter.
"""

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rankbeam.transform.specs.features import (
    Feature,
    IndexedFeature,
    MultivalentFeature,
    NumericFeature,
    column_of,
)
from rankbeam.transform.specs.options import TransformOptions

SpecT = TypeVar("SpecT", bound=IndexedFeature | NumericFeature)

# Scalings in stacking order: what needs no statistics first, what needs boundaries last.
_SCALINGS = ("none", "z_score", "log", "quantile_buckets")


# What a spec says to the model or to the data gate.
_NOT_OF_THE_TRANSFORM = {"embedding_dim", "combiner", "domain"}


@dataclass(frozen=True)
class Column(Generic[SpecT]):
    """One feature and the log's column that it reads."""

    name: str
    column: str
    spec: SpecT

    @property
    def width(self) -> int:
        """Number of values kept per impression."""
        return values_kept(self.spec)


def values_kept(feature: Feature) -> int:
    """Number of values of one impression that a feature keeps; the first ones, as stored."""
    return feature.max_values if isinstance(feature, MultivalentFeature) else 1


@dataclass(frozen=True)
class Plan:
    """All columns in stacking order.

    Attributes:
        vocabulary: Indexed by a vocabulary; a column's place here is its number in the asset.
        hashed: Indexed by hash buckets.
        numeric: Numbers, grouped by scaling: none, z_score, log, quantile_buckets.
    """

    vocabulary: tuple[Column[IndexedFeature], ...]
    hashed: tuple[Column[IndexedFeature], ...]
    numeric: tuple[Column[NumericFeature], ...]

    @staticmethod
    def of(options: TransformOptions) -> "Plan":
        """The plan of some features."""
        indexed: list[Column[IndexedFeature]] = []
        numeric: list[Column[NumericFeature]] = []
        for name, feature in sorted(options.features.items()):
            column = column_of(name, feature)
            if isinstance(feature, NumericFeature):
                numeric.append(Column(name, column, feature))
            else:
                indexed.append(Column(name, column, feature))
        return Plan(
            vocabulary=tuple(one for one in indexed if one.spec.hash_buckets is None),
            hashed=tuple(one for one in indexed if one.spec.hash_buckets is not None),
            numeric=tuple(
                one for scaling in _SCALINGS for one in numeric if one.spec.scaling == scaling
            ),
        )

    @property
    def indexed(self) -> tuple[Column[IndexedFeature], ...]:
        """Vocabulary columns, then hashed ones."""
        return self.vocabulary + self.hashed

    @property
    def numeric_counts(self) -> tuple[int, ...]:
        """Number of numeric columns of each scaling, in stacking order."""
        return tuple(
            sum(one.spec.scaling == scaling for one in self.numeric) for scaling in _SCALINGS
        )

    @property
    def logged(self) -> tuple[Column[NumericFeature], ...]:
        """Numeric columns with scaling log."""
        return self._scaled("log")

    @property
    def bucketed(self) -> tuple[Column[NumericFeature], ...]:
        """Numeric columns with scaling quantile_buckets: the last ones of `numeric`."""
        return self._scaled("quantile_buckets")

    @property
    def boundary_count(self) -> int:
        """Bucket boundaries of the column with the most buckets; 0 without such a column."""
        return max((one.spec.bucket_count - 1 for one in self.bucketed), default=0)

    def identity(self) -> str:
        """Text that differs wherever the transform of some raw value could differ."""
        columns: tuple[Column[Any], ...] = self.indexed + self.numeric
        return json.dumps(
            [
                [one.name, one.column, one.spec.model_dump(exclude=_NOT_OF_THE_TRANSFORM)]
                for one in columns
            ]
        )

    def _scaled(self, scaling: str) -> tuple[Column[NumericFeature], ...]:
        return tuple(one for one in self.numeric if one.spec.scaling == scaling)
