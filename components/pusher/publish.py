"""Publishing a version: it appears whole or not at all, under a number that is its own.

The version is written into a hidden folder beside the others, forced to disk, and renamed. Servers
ignore hidden folders, a rename is atomic, and this one never replaces anything. Pushers on one
machine take turns, by a lock on the destination that the kernel drops with the process; a killed
push therefore leaves at most a hidden folder, which the next push removes.
"""

import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rankbeam.components.pusher.rename import rename_new
from rankbeam.serving.content import RECORD_PATH, PushRecord, content_digest, read_record
from rankbeam.serving.versions import MAX_VERSION, list_versions
from rankbeam.transform.errors import DataError, EnvironmentFault, GateError

_log = logging.getLogger(__name__)

_TEMPORARY_PREFIX = ".rankbeam-push-"


@dataclass(frozen=True, slots=True)
class Published:
    """Where the content is now: its record, its folder (or URI), and whether this push put it."""

    record: PushRecord
    path: Path | str
    is_new: bool


def publish(
    base_path: Path,
    fill: Callable[[Path], None],
    record: PushRecord,
    version: int | None = None,
) -> Published:
    """Publishes a model as a version.

    Args:
        base_path: the destination; made where it is missing.
        fill: writes the model into a folder that does not exist yet.
        record: what to put on record; version and digest are filled in.
        version: the number to publish under. By default one more than the largest there; a
            newest version with the same content is then found again instead of repeated.

    Raises:
        GateError: the number is taken by other content, the version that should hold this
            content is damaged, or the folder holds versions of another model.
        EnvironmentFault: the destination cannot be written; nothing is left there.
    """
    try:
        base_path.mkdir(parents=True, exist_ok=True)
        with _locked(base_path):
            _sweep(base_path)
            temporary = base_path / f"{_TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
            try:
                fill(temporary)
                return _settle(base_path, temporary, record, version)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot write push.destination {base_path}: {error}") from error


@contextmanager
def _locked(base_path: Path) -> Iterator[None]:
    descriptor = os.open(base_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sweep(base_path: Path) -> None:
    """Removes what killed pushes left; whoever holds the lock is alone."""
    for left in base_path.glob(f"{_TEMPORARY_PREFIX}*"):
        _log.warning("removing what a killed push left: %s", left)
        shutil.rmtree(left)


def _settle(base_path: Path, temporary: Path, record: PushRecord, version: int | None) -> Published:
    made = replace(record, digest=content_digest(temporary))
    while True:
        there = list_versions(base_path)
        _check_same_model(there, record.model_name)
        # An older version with this content is no answer: servers serve the newest.
        candidate = version if version is not None else max(there, default=None)
        if candidate in there and _holds(there[candidate], made.digest):
            return _found_again(there, candidate, made)
        number = version if version is not None else max(there, default=0) + 1
        target = there.get(number, base_path / str(number))
        _check_free(target, number, there, made.digest)
        final = replace(made, version=number)
        _write_record(temporary, final)
        _force_to_disk(temporary)
        try:
            rename_new(temporary, target)
        except FileExistsError:
            continue  # somebody who does not take the lock was faster: look again
        _force_one(base_path)
        return Published(final, target, is_new=True)


def _check_same_model(there: Mapping[int, Path], model_name: str) -> None:
    """Servers take every version of a folder for the same model, whatever its inputs."""
    for number in sorted(there, reverse=True):
        recorded = _recorded(there[number])
        if recorded is not None and recorded.model_name != model_name:
            raise GateError(
                f"push.destination must hold versions of {model_name} only; got "
                f"{there[number]}, a version of {recorded.model_name}"
            )


def _check_free(target: Path, number: int, there: Mapping[int, Path], digest: str) -> None:
    if number in there:
        raise GateError(
            f"push.version must be free or hold the same model; {target} holds other content "
            f"than {digest}"
        )
    if number > MAX_VERSION:
        raise GateError(f"versions must be below 2**63; version {number - 1} leaves none free")
    if target.exists():
        raise GateError(f"versions must be folders; {target} is in the way of the next one")


def _holds(path: Path, digest: str) -> bool:
    """Whether a version has this content, by its record and by its bytes."""
    recorded = _recorded(path)
    if recorded is not None and recorded.digest != digest:
        return False
    found = content_digest(path)
    if recorded is not None and found != digest:
        raise GateError(
            f"{path} must have the content {digest} of its push record; found {found}: remove "
            "that version, or push under another number"
        )
    return found == digest


def _recorded(path: Path) -> PushRecord | None:
    """A version's push record; a file that is none counts as absent, since the bytes decide."""
    try:
        return read_record(path)
    except DataError:
        return None


def _found_again(there: Mapping[int, Path], number: int, made: PushRecord) -> Published:
    record = _recorded(there[number]) or replace(made, version=number)
    return Published(record, there[number], is_new=False)


def _write_record(version: Path, record: PushRecord) -> None:
    path = version / RECORD_PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(record.to_json())


def _force_to_disk(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            _force_one(Path(root) / name)
        _force_one(Path(root))


def _force_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
