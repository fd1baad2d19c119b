"""Publishing a version to a bucket or HDFS, where no rename makes a folder appear at once.

The version's files are written under its number, the push record first and `saved_model.pb` last:
a folder without that file is no SavedModel, so a server that looks meanwhile finds nothing to load,
and never half a model. A killed push leaves such a folder, which its record tells from others'
uploads; the next push removes it and takes its number. Pushers take turns, see `claim`.
"""

import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tfx.dsl.io import fileio

from rankbeam.components.pusher.claim import Claim, Patience, claimed
from rankbeam.components.pusher.publish import Published
from rankbeam.components.remote.files import (
    download_folder,
    os_errors,
    read_bytes,
    upload,
    write_bytes,
)
from rankbeam.serving.content import RECORD_PATH, PushRecord, content_digest, parse_record
from rankbeam.serving.versions import MAX_VERSION, SAVED_MODEL_FILE
from rankbeam.transform.errors import DataError, EnvironmentFault, GateError

_log = logging.getLogger(__name__)

_VERSION_NAME = re.compile(r"[0-9]+")
_RECORD = RECORD_PATH.as_posix()


def publish_remote(
    destination: str,
    fill: Callable[[Path], None],
    record: PushRecord,
    version: int | None = None,
    patience: Patience | None = None,
) -> Published:
    """Publishes a model as a version, as `publish` does on a local disk.

    Args:
        destination: URI of the folder of versions.
        fill: writes the model into a local folder that does not exist yet.
        record: what to put on record; version and digest are filled in.
        version: the number to publish under; by default one more than the largest there, unless
            the newest there has the same content.
        patience: how long to wait for other pushes.

    Raises:
        GateError: the number is taken by other content, the version that should hold this
            content is damaged, or the folder holds versions of another model.
        EnvironmentFault: the destination cannot be written; nothing is left there that a server
            would load.
    """
    base = destination.rstrip("/")
    with tempfile.TemporaryDirectory(prefix="rankbeam-push-") as folder:
        model = Path(folder) / "model"
        fill(model)
        made = replace(record, digest=content_digest(model))
        try:
            with claimed(base, patience) as claim:
                return _settle(base, model, made, version, claim)
        except OSError as error:
            raise EnvironmentFault(f"cannot write push.destination {base}: {error}") from error


def _settle(
    base: str, model: Path, made: PushRecord, version: int | None, claim: Claim
) -> Published:
    there = _versions(base)
    records = {number: _recorded(uri) for number, uri in there.items()}
    _sweep(there, records)
    for number in sorted(there, reverse=True):
        found = records[number]
        if found is not None and found.model_name != made.model_name:
            raise GateError(
                f"push.destination must hold versions of {made.model_name} only; got "
                f"{there[number]}, a version of {found.model_name}"
            )
    # An older version with this content is no answer: servers serve the newest.
    candidate = version if version is not None else max(there, default=None)
    if candidate in there and _holds(there[candidate], records[candidate], made.digest):
        again = records[candidate] or replace(made, version=candidate)
        return Published(again, there[candidate], is_new=False)
    number = version if version is not None else max(there, default=0) + 1
    if number in there:
        raise GateError(
            f"push.version must be free or hold the same model; {there[number]} holds other "
            f"content than {made.digest}"
        )
    if number > MAX_VERSION:
        raise GateError(f"versions must be below 2**63; version {number - 1} leaves none free")
    target = f"{base}/{number}"
    final = replace(made, version=number)
    _write(model, target, final, claim)
    return Published(final, target, is_new=True)


def _versions(base: str) -> dict[int, str]:
    """Version number -> folder; `7` wins over `007`."""
    with os_errors():
        names = sorted((name.rstrip("/") for name in fileio.listdir(base)), key=len, reverse=True)
    numbered = [name for name in names if _VERSION_NAME.fullmatch(name)]
    return {int(name): f"{base}/{name}" for name in numbered if int(name) <= MAX_VERSION}


def _recorded(uri: str) -> PushRecord | None:
    """A version's push record; a file that is none counts as absent, since the bytes decide."""
    try:
        return parse_record(read_bytes(f"{uri}/{_RECORD}").decode("utf-8"), f"{uri}/{_RECORD}")
    except (FileNotFoundError, UnicodeDecodeError, DataError):
        return None


def _sweep(there: dict[int, str], records: Mapping[int, PushRecord | None]) -> None:
    """Removes, from here and from there, what killed pushes left; it is this pusher's turn."""
    with os_errors():
        for number, uri in list(there.items()):
            if records[number] is not None and not fileio.exists(f"{uri}/{SAVED_MODEL_FILE}"):
                _log.warning("removing what a killed push left: %s", uri)
                fileio.rmtree(uri)
                del there[number]


def _holds(uri: str, recorded: PushRecord | None, digest: str) -> bool:
    """Whether a version has this content, by its record and by its bytes."""
    if recorded is not None and recorded.digest != digest:
        return False
    with tempfile.TemporaryDirectory(prefix="rankbeam-push-") as folder:
        copy = Path(folder) / "copy"
        download_folder(uri, copy)
        found = content_digest(copy)
    if recorded is not None and found != digest:
        raise GateError(
            f"{uri} must have the content {digest} of its push record; found {found}: remove "
            "that version, or push under another number"
        )
    return found == digest


def _write(model: Path, target: str, record: PushRecord, claim: Claim) -> None:
    """Uploads a version; where that fails, nothing is left."""
    names = sorted(p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file())
    try:
        write_bytes(f"{target}/{_RECORD}", record.to_json().encode())
        for name in names:
            if name not in (SAVED_MODEL_FILE, _RECORD):
                _upload(model / name, f"{target}/{name}")
        claim.check()
        _upload(model / SAVED_MODEL_FILE, f"{target}/{SAVED_MODEL_FILE}")
    except BaseException:
        _discard(target)
        raise


def _upload(source: Path, uri: str) -> None:
    upload(source, uri)
    with os_errors():
        arrived = fileio.stat(uri).length
    if arrived != source.stat().st_size:
        raise OSError(f"{uri} must have {source.stat().st_size} bytes; got {arrived}")


def _discard(target: str) -> None:
    """Removes what was written of a version, the file that makes it one first."""
    try:
        with os_errors():
            if fileio.exists(f"{target}/{SAVED_MODEL_FILE}"):
                fileio.remove(f"{target}/{SAVED_MODEL_FILE}")
            if fileio.exists(target):
                fileio.rmtree(target)
    except OSError as error:
        _log.warning("cannot remove %s: %s", target, error)
