"""`write`: a simulated log and its truth as Parquet files, all of them or none.

    directory/log/impressions-00000.parquet, ...
    directory/truth/truth-00000.parquet, ...
    directory/marketplace.json            the spec, the totals, every file's rows and bytes

Files are cut at the same rows on both sides. Equal specs give equal bytes as long as the versions
of NumPy and Arrow are the same.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rankbeam.simulator.simulate import BLOCK_ROWS, simulate
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.tables import LOG_SCHEMA, TRUTH_SCHEMA

# Goes up whenever the same spec would give other rows than before.
FORMAT_VERSION = 1
ROWS_PER_FILE = 8 * BLOCK_ROWS
MANIFEST = "marketplace.json"

# Columns with few distinct values in a row group; a dictionary for the others only costs time.
_DICTIONARY_COLUMNS = [
    *(field.name for field in LOG_SCHEMA if pa.types.is_string(field.type)),
    *("interests.list.element", "price", "payout", "position", "day", "hour"),
    *("user_age_days", "offer_age_days", "click", "conversion", "would_convert"),
]


@dataclasses.dataclass(frozen=True)
class WrittenMarketplace:
    """A complete marketplace on disk.

    Attributes:
        directory: where it is.
        spec: what was simulated.
        log_files: Parquet files with `LOG_SCHEMA`, in order of time.
        truth_files: Parquet files with `TRUTH_SCHEMA`, row for row with `log_files`.
        clicks: clicks in the log.
        conversions: conversions observed in the log.
    """

    directory: Path
    spec: MarketplaceSpec
    log_files: tuple[Path, ...]
    truth_files: tuple[Path, ...]
    clicks: int
    conversions: int

    def read_log(self) -> pa.Table:
        """The whole log in memory."""
        return pa.concat_tables([pq.ParquetFile(path).read() for path in self.log_files])

    def read_truth(self) -> pa.Table:
        """The whole truth in memory."""
        return pa.concat_tables([pq.ParquetFile(path).read() for path in self.truth_files])


def write(spec: MarketplaceSpec, directory: str | os.PathLike[str]) -> WrittenMarketplace:
    """Simulates `spec` into `directory`, which appears complete or not at all.

    The files are written to a hidden sibling folder that is renamed at the end; a killed process
    leaves that sibling (`.NAME.partial-*`) and nothing else. A directory that already holds the
    marketplace of an equal spec is left as it is and returned.

    Raises:
        ValueError: `directory` is a file, or holds anything but a whole marketplace of `spec`.
        OSError: the file system refuses (no permission, no space).
    """
    target = Path(directory)
    if _is_taken(target):
        return _reuse(spec, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}.partial-{uuid.uuid4().hex}"
    try:
        _write_all(spec, partial)
        try:
            partial.rename(target)
        except OSError:
            # Another process may have finished first; what it wrote is as good.
            if not _is_taken(target):
                raise
            return _reuse(spec, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return load(target)


def load(directory: str | os.PathLike[str]) -> WrittenMarketplace:
    """Opens a marketplace that `write` left in `directory`.

    Raises:
        ValueError: there is none, it has another format version, or a file is missing or cut.
    """
    folder = Path(directory)
    manifest = _read_manifest(folder)
    for name, facts in manifest["files"].items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != facts["bytes"]:
            raise ValueError(f"{path} must have {facts['bytes']} bytes; got {found}")
    files = [folder / name for name in manifest["files"]]
    return WrittenMarketplace(
        directory=folder,
        spec=MarketplaceSpec.from_dict(manifest["spec"]),
        log_files=tuple(path for path in files if path.parent.name == "log"),
        truth_files=tuple(path for path in files if path.parent.name == "truth"),
        clicks=manifest["clicks"],
        conversions=manifest["conversions"],
    )


def _is_taken(target: Path) -> bool:
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} must be a folder; got a file")
    return target.is_dir() and any(target.iterdir())


def _reuse(spec: MarketplaceSpec, target: Path) -> WrittenMarketplace:
    written = load(target)
    wanted, found = spec.to_dict(), written.spec.to_dict()
    differences = [
        f"{name}={found[name]!r} instead of {wanted[name]!r}"
        for name in wanted
        if wanted[name] != found[name]
    ]
    if differences:
        raise ValueError(
            f"{target} holds another marketplace ({', '.join(differences)}); "
            "choose another folder or remove it"
        )
    return written


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} must be empty or hold a marketplace; got no {MANIFEST}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be JSON; got {error}") from error
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(f"{path} must have format_version {FORMAT_VERSION}; got {version!r}")
    return dict(manifest)


def _write_all(spec: MarketplaceSpec, folder: Path) -> None:
    (folder / "log").mkdir(parents=True)
    (folder / "truth").mkdir()
    blocks = simulate(spec)
    files: dict[str, dict[str, int]] = {}
    clicks = conversions = 0
    for number in range(-(-spec.impressions // ROWS_PER_FILE)):
        log_name = f"log/impressions-{number:05d}.parquet"
        truth_name = f"truth/truth-{number:05d}.parquet"
        rows = 0
        with (
            _writer(folder / log_name, LOG_SCHEMA) as log_writer,
            _writer(folder / truth_name, TRUTH_SCHEMA) as truth_writer,
        ):
            for batch in itertools.islice(blocks, ROWS_PER_FILE // BLOCK_ROWS):
                log_writer.write_table(batch.log)
                truth_writer.write_table(batch.truth)
                rows += batch.log.num_rows
                clicks += pc.sum(batch.log.column("click")).as_py()
                conversions += pc.sum(batch.log.column("conversion")).as_py()
        for name in (log_name, truth_name):
            files[name] = {"rows": rows, "bytes": (folder / name).stat().st_size}
    manifest = {
        "format_version": FORMAT_VERSION,
        "spec": spec.to_dict(),
        "clicks": clicks,
        "conversions": conversions,
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        schema,
        compression="snappy",
        use_dictionary=_DICTIONARY_COLUMNS,
        use_compliant_nested_type=True,
    )
