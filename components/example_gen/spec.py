"""Data specs: where the impressions are, how columns are read, and how they are split."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.transform.specs.base import StrictModel

Fraction = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]


class _Source(StrictModel):
    path: Name = Field(
        description=(
            "File, folder or glob, relative to the config's folder or to --data; {SPAN} stands "
            "for a span number ({SPAN:3} for one padded to three digits), and the latest span is "
            "taken unless one is asked for. Of a folder, the files right in it are read, in name "
            "order, but for those whose name begins with a dot or an underscore."
        )
    )


class CsvSource(_Source):
    """Delimited UTF-8 text with RFC 4180 quotes, plain or compressed (.gz, .bz2)."""

    kind: Literal["csv"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    column_names: tuple[Name, ...] | None = Field(
        default=None, description="Names of the columns where the file has no header line."
    )
    null_values: tuple[str, ...] = Field(
        default=("",), description="Unquoted texts that mean missing; a quoted empty text is kept."
    )
    strip_whitespace: bool = Field(
        default=False, description="Strip blanks around names and values before anything else."
    )
    list_separator: Annotated[str, Field(min_length=1)] = Field(
        default="|",
        description="Parts the values in a cell of a multivalent column; quotes do not hide it.",
    )


class ParquetSource(_Source):
    """Parquet; null and NaN are missing, everything else (0, 0.0, '', False) is a value."""

    kind: Literal["parquet"]


class AvroSource(_Source):
    """Avro object container files; null and NaN are missing, everything else is a value.

    What each type becomes is listed in `rankbeam.components.example_gen.sources.avro_types`.
    """

    kind: Literal["avro"]


class TFRecordSource(_Source):
    """TFRecord files of tf.Example, plain or compressed (.gz)."""

    kind: Literal["tfrecord"]


OutcomesSource = Annotated[CsvSource | ParquetSource | AvroSource, Field(discriminator="kind")]


class RequestLogSource(_Source):
    """A request log of the server: each candidate of each logged request is a row.

    A row has the raw columns as the client sent them and, under `column_prefix`, `request_id`,
    `position` (of the candidate in its request, from 0), `model_version`, `transform_hash`,
    `timestamp` and a `score_<output>` for each output. A request that was sent again counts once.
    The log has no labels: they are joined from `outcomes`, and missing without.
    """

    kind: Literal["request_log"]
    model: Name | None = Field(
        default=None, description="Read this model's requests only, where a folder has several."
    )
    column_prefix: str = Field(
        default="", description="Begins the names of the added columns, to tell them from features."
    )
    outcomes: OutcomesSource | None = Field(
        default=None,
        description=(
            "Table with the columns request_id, position, every label, and every column that a "
            "label is derived from; held in memory. Its path has {SPAN} where the log's has."
        ),
    )
    unmatched: Literal["drop", "zero", "missing"] | None = Field(
        default=None,
        description=(
            "What becomes of candidates without an outcome: they are left out (where outcomes has "
            "all that were seen), their labels are 0 (where it has nothing but clicks and the "
            "like), or their labels are missing."
        ),
    )

    @model_validator(mode="after")
    def _outcomes_say_what_their_absence_means(self) -> "RequestLogSource":
        if (self.outcomes is None) != (self.unmatched is None):
            raise ValueError("outcomes and unmatched must be set together")
        return self


class EntityHashSplit(StrictModel):
    """All rows of one entity (a user, say) land in the same split.

    An entity is evaluated where the first 8 bytes of SHA-256(salt + value), read as a big-endian
    integer, are below eval_fraction × 2^64; value is the text in UTF-8, or the integer in decimal.
    Rows whose entity is missing count as one entity.
    """

    kind: Literal["entity_hash"]
    column: Name = Field(description="Text, integer or boolean column.")
    eval_fraction: Fraction = 0.2
    salt: str = Field(default="", description="Another salt gives another split.")


class TimeSplit(StrictModel):
    """Rows at or after a point in time are evaluated, earlier ones trained on.

    Every row must have a time. Timestamps without a zone are taken as UTC.
    """

    kind: Literal["time"]
    column: Name = Field(
        description="Numeric, timestamp or date column, or text holding numbers or ISO 8601."
    )
    boundary: float | str | None = Field(
        default=None, description="First time of eval: a number, or ISO 8601 for timestamps."
    )
    eval_fraction: Fraction | None = Field(
        default=None,
        description=(
            "Or the last fraction of rows. Rows of equal time stay together: of the possible "
            "boundaries, the one nearest to the fraction is taken. The data are read twice, and "
            "the times of all rows are held in memory (8 bytes a row)."
        ),
    )

    @field_validator("boundary", mode="before")
    @classmethod
    def _iso_of_a_yaml_date(cls, value: object) -> object:
        # YAML reads an unquoted 2024-01-31 as a date and 2024-01-31 12:00:00 as a datetime.
        return value.isoformat() if isinstance(value, date) else value

    @model_validator(mode="after")
    def _one_way_to_cut(self) -> "TimeSplit":
        if (self.boundary is None) == (self.eval_fraction is None):
            raise ValueError("a time split must set one of boundary and eval_fraction")
        return self


class FoldersSplit(StrictModel):
    """Train and eval are given as folders (or files, or globs) below the source's path."""

    kind: Literal["folders"]
    train: Name = "train"
    eval: Name = "eval"


class RowHashSplit(StrictModel):
    """Row i is evaluated where crc32(str(i)) modulo `modulus` is `eval_remainder`.

    For tables without an entity. i counts rows from 0 over all files in name order.
    """

    kind: Literal["row_hash"]
    modulus: Annotated[int, Field(ge=2)] = 5
    eval_remainder: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _remainder_is_possible(self) -> "RowHashSplit":
        if self.eval_remainder >= self.modulus:
            raise ValueError(
                f"eval_remainder must be < modulus {self.modulus}; got {self.eval_remainder}"
            )
        return self


class DerivedLabel(StrictModel):
    """A 0/1 column made from another: 1 where the value is one of `is_in`, missing stays so."""

    source: Name = Field(description="Column of the log.")
    is_in: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Values that mean 1, as text; of a boolean column, '1' is true and '0' false."
    )


FileSource = CsvSource | ParquetSource | AvroSource | TFRecordSource | RequestLogSource
Source = Annotated[FileSource | BigQuerySource, Field(discriminator="kind")]
Split = Annotated[
    EntityHashSplit | TimeSplit | FoldersSplit | RowHashSplit, Field(discriminator="kind")
]
ColumnType = Literal["string", "float", "int"]


class DataSpec(StrictModel):
    """The config's `data` section."""

    source: Source
    split: Split
    derive: Mapping[Name, DerivedLabel] = Field(
        default_factory=dict, description="Label columns made from other columns."
    )
    keep: tuple[Name, ...] = Field(
        default=(), description="Columns kept beside features, labels and slices, for analysis."
    )
    schema_path: Name | None = Field(
        default=None,
        description="A curated schema (text proto); where unset, one is inferred from train+eval.",
    )

    @model_validator(mode="after")
    def _split_fits_the_source(self) -> "DataSpec":
        if isinstance(self.source, BigQuerySource) and isinstance(
            self.split, FoldersSplit | RowHashSplit
        ):
            raise ValueError(
                "data.split.kind must be entity_hash or time for a bigquery source, which has "
                f"neither folders nor an order of rows; got {self.split.kind}"
            )
        return self


class ExampleGenSpec(StrictModel):
    """What the executor is told: the data section plus the columns that the run needs.

    Attributes:
        data: The config's section.
        columns: Columns to write, to what they are used as: features looked up by value are
            `string`, numeric ones `float`, labels `int`; None asks for nothing. Text of a `float`
            or `int` column is parsed; typed sources otherwise keep their own type, as listed in
            `rankbeam.components.example_gen.values`.
        multivalent: The columns among them whose values are lists.
    """

    data: DataSpec
    columns: Mapping[str, ColumnType | None]
    multivalent: tuple[str, ...] = ()
