"""The identity of a model version: a digest of its files, and the record a push leaves beside them.

A version is content-addressed: SHA-256 over every file's relative path and bytes, paths sorted.
The record itself is left out, since it names the digest.
"""

import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from rankbeam.transform.errors import DataError

# TensorFlow Serving ignores what it does not know in `assets.extra`.
RECORD_PATH = Path("assets.extra") / "rankbeam_push.json"

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PushRecord:
    """What the push of one version wrote down.

    Attributes:
        model_name: the name the model is served under.
        version: the version's number, the name of its folder.
        digest: `sha256:` and 64 hexadecimal digits, see `content_digest`.
        pushed_at: UTC time, ISO 8601.
        model_blessing: the Evaluator's verdict as the push saw it.
        infra_blessing: the InfraValidator's verdict as the push saw it.
        parity: the verdict of the parity certificate as the push saw it; empty in records from
            before there were certificates.
    """

    model_name: str
    version: int
    digest: str
    pushed_at: str
    model_blessing: str
    infra_blessing: str
    parity: str = ""

    def to_json(self) -> str:
        """The record as indented JSON with a final newline."""
        return json.dumps(asdict(self), indent=2) + "\n"


def content_digest(folder: Path, *, leave_out: Collection[Path] = (RECORD_PATH,)) -> str:
    """The digest of a version's files, `sha256:...`.

    Each file enters as length-prefixed path, then length-prefixed bytes, so that no two different
    trees make the same stream.

    Args:
        folder: the version.
        leave_out: relative paths of files that do not count; the push record by default.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(
        _files(folder, leave_out), key=lambda file: file.relative_to(folder).as_posix()
    ):
        name = path.relative_to(folder).as_posix().encode()
        digest.update(len(name).to_bytes(8, "big") + name)
        digest.update(path.stat().st_size.to_bytes(8, "big"))
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Path, leave_out: Collection[Path]) -> list[Path]:
    found = [Path(root) / name for root, _, names in os.walk(folder) for name in names]
    return [path for path in found if path.relative_to(folder) not in leave_out]


def read_record(folder: Path) -> PushRecord | None:
    """The push record of a version folder, or None where Rankbeam did not push it.

    Raises:
        DataError: the file is there and is not a push record.
    """
    path = folder / RECORD_PATH
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    return parse_record(text, str(path))


def parse_record(text: str, place: str) -> PushRecord:
    """The inverse of `PushRecord.to_json`.

    Args:
        text: what to read.
        place: where it was found, for the message.

    Raises:
        DataError: it is no push record.
    """
    try:
        return PushRecord(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise DataError(f"{place} must be a push record; {error}") from error


def damage(folder: Path) -> str | None:
    """Why a pushed version's files are not those that were pushed, or None where they are.

    A version without a record has nothing to be held against and counts as undamaged.

    Raises:
        DataError: the record cannot be read as one.
        OSError: a file cannot be read.
    """
    record = read_record(folder)
    if record is None:
        return None
    found = content_digest(folder)
    if found == record.digest:
        return None
    return f"{folder} must have the content {record.digest} of its push record; found {found}"
