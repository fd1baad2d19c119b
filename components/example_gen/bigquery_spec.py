"""The source `bigquery`: what is asked, as whom, and through which of BigQuery's two ways."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rankbeam.transform.specs.base import StrictModel

SPAN_PARAMETERS = ("@span_begin_timestamp", "@span_end_timestamp", "@span_yyyymmdd_utc")
"""What TFX's BigQueryExampleGen replaces by the bounds of a span, which is a UTC day since 1970."""

# project.dataset.table, the project optional; projects may have a domain: example.com:project.
_TABLE = r"^([A-Za-z0-9.:-]+\.)?[A-Za-z0-9_]+\.[^`.\s]+$"


class BigQuerySource(StrictModel):
    """Rows of a BigQuery query or table; null and NaN are missing, everything else is a value.

    Rows come in no order, so a split must go by a column. Only the columns that the run needs are
    read. Credentials are Google's application default ones, looked for when the run reads.
    """

    kind: Literal["bigquery"]
    query: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description=(
            "GoogleSQL query. @span_begin_timestamp and @span_end_timestamp stand for the seconds "
            "since 1970 at which the span that is asked for begins and ends, @span_yyyymmdd_utc "
            "for its day as text; a span is a UTC day, counted from 1970-01-01."
        ),
    )
    table: Annotated[str, Field(pattern=_TABLE)] | None = Field(
        default=None, description="Or a whole table: dataset.table or project.dataset.table."
    )
    project: Annotated[str, Field(pattern=r"^[a-z0-9.:-]+$")] | None = Field(
        default=None,
        description="Project that runs and pays the query; by default that of the credentials.",
    )
    location: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = Field(
        default=None, description="Where the data are, such as EU; by default BigQuery finds out."
    )
    api: Literal["storage", "rest"] = Field(
        default="storage",
        description=(
            "How rows are fetched: by the Storage Read API, which is fast and needs the permission "
            "bigquery.readsessions.create, or by the REST API."
        ),
    )
    max_gb_billed: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Refuse a query that reads more than this many 10^9 bytes."
    )

    @model_validator(mode="after")
    def _one_thing_is_asked(self) -> "BigQuerySource":
        if (self.query is None) == (self.table is None):
            raise ValueError("a bigquery source must set one of query and table")
        return self

    @property
    def sql(self) -> str:
        """The query, with its parameters for a span if it has any."""
        if self.query is not None:
            return self.query.strip().rstrip(";").rstrip()
        return f"SELECT * FROM `{self.table}`"

    @property
    def has_span(self) -> bool:
        """Whether the query depends on a span."""
        return any(name in self.sql for name in SPAN_PARAMETERS)
