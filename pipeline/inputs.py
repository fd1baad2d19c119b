"""What a local run needs from outside: checked before anything starts, and told to the cache."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.paths import LOCAL_FILES, FileFinder, check_source
from rankbeam.pipeline.config.load import LoadedConfig
from rankbeam.pipeline.quiet import held_back_stderr
from rankbeam.pipeline.runners.cache_key import content_digest, listing_digest
from rankbeam.transform.errors import DataError, EnvironmentFault


def input_digests(loaded: LoadedConfig, span: int | None) -> dict[str, str]:
    """Check the inputs; what the cached results of the nodes that read them depend on.

    Local paths are checked without TensorFlow, which only remote ones and queries need.

    Returns:
        Node id to a text that changes with its inputs.

    Raises:
        ConfigError: A path is malformed.
        DataError: An input is not there or cannot be read.
        EnvironmentFault: The place that a path leads to cannot be reached.
    """
    digests = {"ExampleGen": _data_digest(loaded, span)}
    if loaded.config.data.schema_path is not None:
        path = joined(str(loaded.base_dir), loaded.config.data.schema_path)
        digests["ImportSchemaGen"] = _schema_digest(path)
    return digests


def check_destination(destination: str) -> None:
    """Check that a place behind a URI, where a run will push to, is in reach.

    Raises:
        EnvironmentFault: It is not, or may not be listed.
    """
    if "://" not in destination:
        return
    with held_back_stderr():
        from tfx.dsl.io import fileio  # noqa: PLC0415

        from rankbeam.components.remote.files import os_errors  # noqa: PLC0415

    try:
        with os_errors():
            fileio.isdir(destination.rstrip("/"))
    except OSError as error:
        raise EnvironmentFault(
            f"push.destination must be in a place that can be reached; got {destination}: {error}"
        ) from error


def joined(base_dir: str, path: str) -> str:
    """`path` from `base_dir` on, unless it says itself where it starts; either may be a URI."""
    return path if "://" in path else os.path.join(base_dir, path)


def _data_digest(loaded: LoadedConfig, span: int | None) -> str:
    data, base_dir = loaded.config.data, str(loaded.base_dir)
    if isinstance(data.source, BigQuerySource):
        with held_back_stderr():
            from rankbeam.components.example_gen.sources.bigquery import (  # noqa: PLC0415
                query_digest,
            )

        return query_digest(data.source, span)
    source = data.source
    places = [source.path]
    outcomes = getattr(source, "outcomes", None)
    if outcomes is not None:
        places.append(outcomes.path)
    if not any("://" in place for place in places):
        return listing_digest(_flat(check_source(data, base_dir, span).values()))
    with held_back_stderr():
        from rankbeam.components.remote.listing import (  # noqa: PLC0415
            facts_digest,
            remote_files,
        )

    finder: FileFinder = remote_files(LOCAL_FILES)
    return facts_digest(_flat(check_source(data, base_dir, span, finder).values()))


def _schema_digest(path: str) -> str:
    try:
        if "://" not in path:
            return content_digest(Path(path))
        with held_back_stderr():
            from rankbeam.components.remote.files import read_bytes  # noqa: PLC0415

        return hashlib.sha256(read_bytes(path)).hexdigest()
    except OSError as error:
        raise DataError(
            f"data.schema_path must be a readable file; got {path}: {error.strerror or error}"
        ) from None


def _flat(splits: Iterable[Iterable[str]]) -> list[str]:
    return [file for files in splits for file in files]
