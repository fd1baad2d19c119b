"""Finding the model to compare with among the versions that were pushed.

A push needs the Evaluator's blessing, so the newest pushed version is the last blessed model. No
metadata store is asked: what a run compares with is the same wherever it runs.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from tfx.dsl.io import fileio

from rankbeam.components.pusher.logic import BLESSED
from rankbeam.components.remote.files import is_remote
from rankbeam.components.serving_checks.local_folder import local_folder
from rankbeam.components.serving_checks.model_digest import model_digest
from rankbeam.serving.content import RECORD_PATH, PushRecord, damage, read_record
from rankbeam.serving.versions import SAVED_MODEL_FILE
from rankbeam.transform.errors import EnvironmentFault, GateError

_VERSION_NAME = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class PushedVersion:
    """A version at the destination.

    Attributes:
        record: What its push wrote down.
        uri: Where it is.
        folder: Its files as a path of this machine: `uri` itself, or a copy of it.
    """

    record: PushRecord
    uri: str
    folder: Path


@contextmanager
def last_blessed_other(destination: str, candidate: str) -> Iterator[PushedVersion | None]:
    """The newest version that was pushed with the Evaluator's blessing and is not the candidate.

    A model is the candidate where all files are equal but for push record and warm-up requests:
    an unchanged pipeline that runs again compares with what it compared with before, and never a
    model with itself. Versions without a push record are others' and do not count.

    Args:
        destination: Folder of versions, local or with a scheme (gs://...); it may be missing.
        candidate: The candidate's SavedModel.

    Yields:
        The version; None where there is none. A copy of a remote one lasts as long as the block.

    Raises:
        GateError: That version's files are not those that were pushed.
        DataError: Its push record cannot be read.
        EnvironmentFault: The destination or the candidate cannot be read.
    """
    own = _candidate_digest(candidate)
    for uri in _newest_first(destination):
        with local_folder(uri) as folder:
            record = read_record(folder)
            if record is None or record.model_blessing != BLESSED:
                continue
            if found := damage(folder):
                raise GateError(f"{found}: remove that version, or restore it")
            if model_digest(folder) != own:
                yield PushedVersion(record, uri, folder)
                return
    yield None


def baseline_key(destination: str, candidate: str) -> str:
    """A text that changes when `last_blessed_other` finds another model.

    Raises:
        GateError: See `last_blessed_other`.
        DataError: See there.
        EnvironmentFault: See there.
    """
    with last_blessed_other(destination, candidate) as found:
        return "none" if found is None else f"{found.record.version} {found.record.digest}"


def _candidate_digest(candidate: str) -> str:
    with local_folder(candidate) as folder:
        if not (folder / SAVED_MODEL_FILE).is_file():
            raise EnvironmentFault(f"model must hold a SavedModel; {candidate} holds none")
        return model_digest(folder)


def _newest_first(destination: str) -> list[str]:
    """The folders of versions that have a push record, largest number first."""
    base = destination.rstrip("/")
    try:
        if not fileio.isdir(base):
            return []
        names = [name.rstrip("/") for name in fileio.listdir(base)]
        numbered = sorted((n for n in names if _VERSION_NAME.fullmatch(n)), key=int, reverse=True)
        return [
            f"{base}/{name}"
            for name in numbered
            if fileio.exists(f"{base}/{name}/{RECORD_PATH.as_posix()}")
            # A push to a bucket writes this file last: without it, the version is being pushed.
            and not (is_remote(base) and not fileio.exists(f"{base}/{name}/{SAVED_MODEL_FILE}"))
        ]
    except (OSError, tf.errors.OpError) as error:
        raise EnvironmentFault(
            f"push.destination must be readable; got {destination}: {error}"
        ) from error
