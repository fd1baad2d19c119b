"""Feature specs: what one model input is, and how it becomes numbers.

Four kinds, told apart by `kind`:

==============  ===========================================  ===========================
kind            raw value of an impression                   transformed value
==============  ===========================================  ===========================
``id``          one string or integer of high cardinality    one index
``categorical`` one string or integer of low cardinality     one index
``multivalent`` a list of strings or integers                a padded list of indices
``numeric``     one number                                   one float, or one index
==============  ===========================================  ===========================
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rankbeam.transform.specs.base import StrictModel

PositiveInt = Annotated[int, Field(ge=1)]
FiniteFloat = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Feature(StrictModel):
    """What every feature has."""

    column: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Column of the log; by default the feature's own name."
    )


class _Indexed(_Feature):
    """What features looked up in an embedding table have."""

    vocabulary_size: PositiveInt | None = Field(
        default=None,
        description="Most values kept, by descending training frequency; all where unset.",
    )
    hash_buckets: PositiveInt | None = Field(
        default=None, description="Hash values into this many buckets instead of a vocabulary."
    )
    frequency_threshold: PositiveInt = Field(
        default=1, description="Values seen less often in training are out of vocabulary."
    )
    oov_buckets: PositiveInt = Field(
        default=1, description="Hash buckets shared by out-of-vocabulary values."
    )
    embedding_dim: PositiveInt | None = Field(
        default=None, description="Embedding width; by default `model.encoder.embedding_dim`."
    )
    missing: Literal["own_index", "oov"] = Field(
        default="own_index",
        description="A missing value gets index 0 of its own, or is treated as out of vocabulary.",
    )

    @model_validator(mode="after")
    def _one_way_to_index(self) -> "_Indexed":
        if self.hash_buckets is not None:
            # Values decide, not what was written: a spec that went through JSON says everything.
            for name in ("frequency_threshold", "oov_buckets", "vocabulary_size"):
                if getattr(self, name) != _Indexed.model_fields[name].default:
                    raise ValueError(
                        f"{name} has no meaning beside hash_buckets; remove one of them"
                    )
        return self


class IdFeature(_Indexed):
    """A high-cardinality identifier, such as a user or an offer."""

    kind: Literal["id"]

    @model_validator(mode="after")
    def _is_bounded(self) -> "IdFeature":
        if self.hash_buckets is None and self.vocabulary_size is None:
            raise ValueError("an id feature must set vocabulary_size or hash_buckets; got neither")
        return self


class CategoricalFeature(_Indexed):
    """A value from a small set, such as a device or a country."""

    kind: Literal["categorical"]
    domain: tuple[str, ...] | None = Field(
        default=None,
        description="The closed set of legal values; any other value stops the run at the gate.",
    )


class MultivalentFeature(_Indexed):
    """A bag of values, such as a user's interests."""

    kind: Literal["multivalent"]
    max_values: PositiveInt = Field(
        default=16, description="Values beyond this many, in their stored order, are cut off."
    )
    combiner: Literal["mean", "sum", "sqrtn"] = Field(
        default="mean", description="How the embeddings of the values are pooled."
    )


class NumericFeature(_Feature):
    """A number, scaled with statistics of the training split."""

    kind: Literal["numeric"]
    scaling: Literal["z_score", "log", "quantile_buckets", "none"] = Field(
        default="z_score",
        description=(
            "z_score: (x - mean) / standard deviation; log: sign(x) log(1 + |x|), then z_score; "
            "quantile_buckets: an embedded bucket index; none: as it is."
        ),
    )
    buckets: Annotated[int, Field(ge=2)] | None = Field(
        default=None, description="Number of quantile buckets; with scaling quantile_buckets only."
    )
    embedding_dim: PositiveInt | None = Field(
        default=None, description="Embedding width of the buckets; quantile_buckets only."
    )
    missing: Literal["mean", "zero"] | FiniteFloat = Field(
        default="mean", description="Value in place of a missing one, before scaling."
    )
    missing_indicator: bool = Field(
        default=False, description="Add an input that is 1 where the value was missing."
    )

    @model_validator(mode="after")
    def _buckets_belong_to_quantiles(self) -> "NumericFeature":
        if self.scaling != "quantile_buckets":
            for name in ("buckets", "embedding_dim"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs scaling quantile_buckets; got {self.scaling}")
        return self

    @property
    def bucket_count(self) -> int:
        """Number of quantile buckets (10 where unset)."""
        return self.buckets if self.buckets is not None else 10


Feature = Annotated[
    IdFeature | CategoricalFeature | MultivalentFeature | NumericFeature,
    Field(discriminator="kind"),
]
IndexedFeature = IdFeature | CategoricalFeature | MultivalentFeature
FeatureSpecs = Mapping[str, IdFeature | CategoricalFeature | MultivalentFeature | NumericFeature]


def column_of(name: str, feature: _Feature) -> str:
    """The log's column that feature `name` reads."""
    return feature.column if feature.column is not None else name
