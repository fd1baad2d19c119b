"""Rows of BigQuery, fetched as Arrow by Google's own client.

TFX's executor turns rows into tf.Examples one by one in Python and knows four types. This one reads
Arrow batches, which then go the way of Parquet's. It needs no bucket to export to.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from tfx.components.example_gen import utils

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.sources.columns import Wanted, check_columns
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault

RESULT = "the query's result"
"""What messages call the place that rows come from."""

_ROWS_PER_PAGE = 16_384


def query_text(source: BigQuerySource, span: int | None) -> str:
    """The query with its span, as TFX's driver fills it in.

    Args:
        source: What to read.
        span: UTC day since 1970-01-01; None where none is asked for.

    Raises:
        ConfigError: The query needs a span and none is asked for, or the other way round.
    """
    check_span(source, span)
    return str(utils.get_query_for_span(source.sql, span)) if source.has_span else source.sql


def check_span(source: BigQuerySource, span: int | None) -> None:
    """Check that a span is asked for where the query has one, and only there.

    Raises:
        ConfigError: It is not so.
    """
    if source.has_span and span is None:
        raise ConfigError(
            "--span must be given where data.source.query has a span, whose latest BigQuery does "
            "not know; got none"
        )
    if span is not None and not source.has_span:
        raise ConfigError(
            "data.source.query must hold @span_begin_timestamp, @span_end_timestamp or "
            f"@span_yyyymmdd_utc where a span is asked for; got span {span}"
        )


def query_digest(source: BigQuerySource, span: int | None) -> str:
    """A text that changes with the query and with the tables that it reads; nothing is billed.

    What the query takes from elsewhere (the clock, for one) is not in it.

    Raises:
        ConfigError: BigQuery refuses the query.
        DataError: A table is not there.
        EnvironmentFault: BigQuery refuses the caller, or cannot be reached.
    """
    query = query_text(source, span)
    with _told():
        client = _client(source)
        job = client.query(query, job_config=_job_config(source, dry_run=True))
        tables = sorted(job.referenced_tables, key=str)
        changes = [f"{table} {client.get_table(table).modified}" for table in tables]
    return hashlib.sha256("\0".join([query, *changes]).encode()).hexdigest()


def read_query(query: str, source: BigQuerySource, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns, in no order.

    Args:
        query: The query, without parameters.
        source: Whom to ask, and how.
        wanted: The columns to read; the others are not billed.

    Raises:
        ConfigError: BigQuery refuses the query.
        DataError: A table or column is not there.
        EnvironmentFault: BigQuery refuses the caller, or cannot be reached.
    """
    with _told():
        client = _client(source)
        dry = client.query(query, job_config=_job_config(source, dry_run=True))
        check_columns(RESULT, [field.name for field in dry.schema or ()], wanted)
        columns = ", ".join(f"`{name}`" for name in wanted)
        # On lines of its own, should the query end in a comment.
        job = client.query(
            f"SELECT {columns} FROM (\n{query}\n)", job_config=_job_config(source, dry_run=False)
        )
        rows = job.result(page_size=_ROWS_PER_PAGE)
        yield from rows.to_arrow_iterable(bqstorage_client=_storage_client(source, client))


def _client(source: BigQuerySource) -> bigquery.Client:
    return bigquery.Client(project=source.project, location=source.location)


def _storage_client(source: BigQuerySource, client: bigquery.Client) -> Any:
    if source.api == "rest":
        return None
    from google.cloud import bigquery_storage  # noqa: PLC0415 - only where it is used

    return bigquery_storage.BigQueryReadClient(credentials=client._credentials)


def _job_config(source: BigQuerySource, dry_run: bool) -> bigquery.QueryJobConfig:
    config = bigquery.QueryJobConfig(dry_run=dry_run, use_query_cache=not dry_run)
    if source.max_gb_billed is not None:
        config.maximum_bytes_billed = round(source.max_gb_billed * 1e9)
    return config


@contextmanager
def _told() -> Iterator[None]:
    """Turn what Google's client raises into errors that say who has to act."""
    try:
        yield
    except GoogleAuthError as error:
        raise EnvironmentFault(f"BigQuery needs Google's credentials; {_line(error)}") from error
    except api.NotFound as error:
        raise DataError(
            f"data.source must read tables that are there; got {_line(error)}"
        ) from error
    except (api.Forbidden, api.Unauthorized) as error:
        raise EnvironmentFault(f"BigQuery must allow the query; got {_line(error)}") from error
    except api.BadRequest as error:
        raise ConfigError(
            f"data.source.query must be one that BigQuery takes; got {_line(error)}"
        ) from error
    except (api.GoogleAPIError, OSError) as error:
        raise EnvironmentFault(f"BigQuery must answer; got {_line(error)}") from error


def _line(error: Exception, limit: int = 400) -> str:
    text = " ".join(str(getattr(error, "message", None) or error).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
