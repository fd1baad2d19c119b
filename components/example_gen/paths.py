"""Where the source's files are: what the driver is told, and what is checked before a run.

TFX's FileBasedExampleGen is told a folder and a pattern per input split; its driver replaces
{SPAN} in the patterns and fingerprints the files that match. This module needs neither TFX nor
TensorFlow, so that a wrong path is reported at once.
"""

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from rankbeam.components.example_gen import spans
from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.spec import (
    DataSpec,
    FileSource,
    FoldersSplit,
    RequestLogSource,
)
from rankbeam.transform.errors import ConfigError, DataError

ALL_ROWS = "all"
"""Name of the one input split where the rows of all files are split by their values."""

OUTCOMES = "outcomes"
"""Name of the input split that is no split: the table that a request log is joined with. As an
input it has the span that the driver finds, and its changes are noticed as the log's are."""

_UNFIT_FOR_GLOBS = re.compile(r"[*?\[\]\\{}^$|]")


class FileFinder(Protocol):
    """How files are looked for: on this machine's disks, or wherever a URI leads."""

    def glob(self, pattern: str) -> list[str]:
        """Files and folders that match."""

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""

    def is_readable(self, path: str) -> bool:
        """Whether a file can be opened."""


class _LocalFiles:
    def glob(self, pattern: str) -> list[str]:
        return glob.glob(pattern)

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(path)

    def is_readable(self, path: str) -> bool:
        return os.access(path, os.R_OK)


LOCAL_FILES: FileFinder = _LocalFiles()
"""Looks on this machine's disks."""


@dataclass(frozen=True)
class InputLayout:
    """What FileBasedExampleGen is told.

    Attributes:
        base: Folder without wildcards or placeholders.
        patterns: Input split name to glob below `base`, perhaps with {SPAN}; the names are train
            and eval where the split is by folders, else ALL_ROWS; and OUTCOMES where there are any.
    """

    base: str
    patterns: Mapping[str, str]

    def whole(self, split: str) -> str:
        """The absolute pattern of an input split."""
        return _join(self.base, self.patterns[split])


def input_layout(data: DataSpec, base_dir: str) -> InputLayout:
    """Lay out the source's path for the driver.

    A path that ends in a slash, or whose every match here is a folder, stands for the files right
    in it. Paths with a scheme (gs://...) are not looked at, so a folder there needs the slash.

    Args:
        data: The config's data section.
        base_dir: Folder that `data.source.path` is relative to.

    Raises:
        ConfigError: The path has **, a placeholder other than one {SPAN}, or, before its first
            wildcard, a folder whose name a glob would misread; or only one of log and outcomes
            has a {SPAN}.
    """
    source = file_source(data)
    root = _absolute(base_dir, source.path)
    wholes = {ALL_ROWS: root}
    if isinstance(data.split, FoldersSplit):
        wholes = {"train": _join(root, data.split.train), "eval": _join(root, data.split.eval)}
    if isinstance(source, RequestLogSource) and source.outcomes is not None:
        wholes[OUTCOMES] = _absolute(base_dir, source.outcomes.path)
        if len({spans.has_span(whole) for whole in wholes.values()}) > 1:
            raise ConfigError(
                "data.source.outcomes.path must hold {SPAN} where data.source.path does; "
                f"got {source.outcomes.path}"
            )
    for whole in wholes.values():
        spans.check_placeholders(whole)
        if "**" in whole:
            raise ConfigError(f"data.source.path must not use **, only *; got {whole}")
    wholes = {name: _files_of_folder(whole) for name, whole in wholes.items()}
    base = _literal_folder(list(wholes.values()))
    if unfit := _UNFIT_FOR_GLOBS.search(base):
        raise ConfigError(
            f"data.source.path must not lead through a folder with {unfit[0]} in its name; "
            f"got {base}"
        )
    patterns = {name: whole[len(base) + 1 :] for name, whole in wholes.items()}
    return InputLayout(base or "/", patterns)


def check_source(
    data: DataSpec, base_dir: str, span: int | None = None, finder: FileFinder = LOCAL_FILES
) -> dict[str, tuple[str, ...]]:
    """Check, before anything runs, that the source's files are there and can be opened.

    Args:
        data: The config's data section.
        base_dir: Folder that `data.source.path` is relative to.
        span: Span to read; the latest where None.
        finder: How to look for files. The local one leaves paths with a scheme (gs://...) to the
            run.

    Returns:
        Input split name to the files that a run would read, in the order they would be read;
        empty for paths that were left to the run.

    Raises:
        ConfigError: The path is malformed (see `input_layout`), or its {SPAN} cannot work.
        DataError: Nothing is there, no file is in the folder, the span is not there, or a file
            cannot be read.
    """
    layout = input_layout(data, base_dir)
    path = file_source(data).path
    if span is not None and not spans.has_span(path):
        raise ConfigError(
            f"data.source.path must hold {{SPAN}} where a span is asked for; "
            f"got {path} and span {span}"
        )
    if finder is LOCAL_FILES and _is_remote(layout.base):
        return {}
    chosen = {
        name: spans.resolve_span(layout.whole(name), span, finder.glob) for name in layout.patterns
    }
    if len(set(chosen.values())) > 1:
        names, latest = " and ".join(chosen), " and ".join(map(str, chosen.values()))
        raise DataError(
            f"the latest span below {layout.base} must be the same for {names}; got {latest}"
        )
    return {
        name: _files(spans.fill_span(layout.whole(name), chosen[name]), finder)
        for name in layout.patterns
    }


def file_source(data: DataSpec) -> FileSource:
    """The source of data that are in files.

    Raises:
        ConfigError: They are not.
    """
    if isinstance(data.source, BigQuerySource):
        raise ConfigError("data.source must be of files; got kind bigquery")
    return data.source


def is_data_file_name(path: str) -> bool:
    """Whether a file counts as data: not .hidden, and no marker such as _SUCCESS."""
    return not os.path.basename(path).startswith((".", "_"))


def _is_remote(path: str) -> bool:
    return "://" in path


def _join(folder: str, name: str) -> str:
    return folder.rstrip("/") + "/" + name


def _absolute(base_dir: str, path: str) -> str:
    if _is_remote(path):
        return path
    if _is_remote(base_dir):
        return _join(base_dir, path)
    slash = "/" if path.endswith("/") else ""
    return os.path.abspath(os.path.join(base_dir, path)) + slash


def _files_of_folder(whole: str) -> str:
    if whole.endswith("/"):
        return whole + "*"
    if _is_remote(whole):
        return whole
    matches = glob.glob(spans.any_span(whole))
    if matches and all(os.path.isdir(match) for match in matches):
        return whole + "/*"
    return whole


def _literal_folder(wholes: list[str]) -> str:
    """The deepest folder, free of wildcards and placeholders, that all patterns are below."""
    # The last name is left for the pattern even where it is literal.
    literal = [_before_first_wild(whole.split("/")[:-1]) for whole in wholes]
    shared = []
    for names in zip(*literal, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return "/".join(shared)


def _before_first_wild(names: list[str]) -> list[str]:
    for position, name in enumerate(names):
        if spans.has_span(name) or "*" in name or "?" in name:
            return names[:position]
    return names


def _files(whole: str, finder: FileFinder) -> tuple[str, ...]:
    matches = sorted(finder.glob(whole))
    if not matches and not finder.is_folder(whole.removesuffix("/*")):
        raise DataError(f"data.source.path must lead to files; nothing is at {whole}")
    files = tuple(
        path for path in matches if is_data_file_name(path) and not finder.is_folder(path)
    )
    if not files:
        raise DataError(
            f"data.source.path must lead to files, not counting folders and .* and _* files; "
            f"none match {whole}"
        )
    for path in files:
        if not finder.is_readable(path):
            raise DataError(f"{path} must be readable; permission denied")
    return files
