"""Finds the data files that a path stands for, and what kind they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from rankbeam.transform.errors import DataError

Kind = Literal["csv", "parquet", "avro", "tfrecord"]

_COMPRESSED = {".gz", ".bz2"}
_KINDS: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".avro": "avro",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
}
_EVAL_FOLDERS = ("eval", "test", "valid", "validation")
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class DataFiles:
    """What is there.

    Attributes:
        kind: Of every file.
        files: In the order in which they are read; of the train folder where there are folders.
        path: For `data.source.path`: absolute, perhaps with a wildcard.
        folders: Names of the train and eval folders below `path`, where the data come split.
    """

    kind: Kind
    files: tuple[Path, ...]
    path: str
    folders: tuple[str, str] | None = None


def find_files(data: Path) -> DataFiles:
    """Find the files behind `data`, a file or a folder.

    Raises:
        DataError: Nothing is there, or it is not clear what to read.
    """
    data = data.absolute()
    if data.is_file():
        return DataFiles(_kind_of(data), (data,), str(data))
    if not data.is_dir():
        raise DataError(f"data must be a file or folder; nothing is at {data}")
    for name in _EVAL_FOLDERS:
        if (data / "train").is_dir() and (data / name).is_dir():
            kind, files = _in_folder(data / "train")
            return DataFiles(kind, files, str(data), ("train", name))
    kind, files = _in_folder(data)
    return DataFiles(kind, files, _pattern(data, files))


def _in_folder(folder: Path) -> tuple[Kind, tuple[Path, ...]]:
    files = _visible_files(folder)
    known = {path: kind for path in files if (kind := _kind_by_name(path)) is not None}
    if not known:
        known = {path: kind for path in files if (kind := _kind_by_content(path)) is not None}
    kinds = sorted(set(known.values()))
    if len(kinds) != 1:
        names = ", ".join(path.name for path in sorted(folder.iterdir())) or "nothing"
        got = " and ".join(kinds) if kinds else "none"
        raise DataError(
            "folder must hold data files of one kind (csv, parquet, avro or tfrecord); got "
            f"{got} in {folder}, which holds {_cut(names)}"
        )
    return kinds[0], tuple(known)


def _visible_files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith((".", "_"))
    ]


def _pattern(folder: Path, files: tuple[Path, ...]) -> str:
    """The folder itself, one file, or a wildcard: whatever reads `files` and nothing else."""
    others = set(_visible_files(folder)) - set(files)
    if not others:
        return f"{folder}/"
    if len(files) == 1:
        return str(files[0])
    endings = {"".join(path.suffixes[-2:]) for path in files}
    ending = endings.pop()
    if endings or any(path.name.endswith(ending) for path in others):
        names = ", ".join(path.name for path in sorted(others))
        raise DataError(f"folder {folder} must hold nothing but data files; got {_cut(names)} too")
    return f"{folder}/*{ending}"


def _kind_of(path: Path) -> Kind:
    kind = _kind_by_name(path) or _kind_by_content(path)
    if kind is None:
        raise DataError(
            f"file must be CSV, Parquet, Avro or TFRecord; got {path}, which is none of them"
        )
    return kind


def _kind_by_name(path: Path) -> Kind | None:
    name = path.name.lower()
    if "tfrecord" in name:
        return "tfrecord"
    suffixes = [suffix for suffix in path.suffixes if suffix.lower() not in _COMPRESSED]
    return _KINDS.get(suffixes[-1].lower()) if suffixes else None


def _kind_by_content(path: Path) -> Kind | None:
    head = read_head(path, _HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"Obj\x01"):
        return "avro"
    lines = head.decode("utf-8", "replace").splitlines()[:-1]
    text = b"\0" not in head and "\N{REPLACEMENT CHARACTER}" not in "".join(lines)
    in_columns = len(lines) > 1 and any(_is_regular(lines, mark) for mark in ",\t;|")
    return "csv" if text and in_columns else None


def _is_regular(lines: list[str], mark: str) -> bool:
    """Whether every line has the mark equally often; marks that begin all lines are comments."""
    counts = {line.count(mark) for line in lines}
    return len(counts) == 1 and 0 not in counts and not all(line[0] == mark for line in lines)


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a file, decompressed where its name ends in .gz or .bz2.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            return bytes(stream.read(size))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"file must be readable; got {path}: {error}") from None


def _cut(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
