"""What the Baseline artifact says of itself: the pushed version that it is a copy of, or none."""

import json
from dataclasses import asdict

from tfx.dsl.io import fileio

from rankbeam.serving.content import PushRecord

NOTE_FILE = "baseline.json"
"""In the artifact's folder: the version's push record, or null where there is no model."""


def write_note(uri: str, record: PushRecord | None) -> None:
    """Write the note into an artifact's folder."""
    fileio.makedirs(uri)
    content = None if record is None else asdict(record)
    with fileio.open(_path(uri), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")


def read_note(uri: str) -> PushRecord | None:
    """The push record of the baseline; None where there is no model to compare with.

    Raises:
        fileio.NotFoundError: No Baseline wrote this artifact.
    """
    with fileio.open(_path(uri), "r") as file:
        content = json.loads(file.read())
    return None if content is None else PushRecord(**content)


def is_absent(uri: str) -> bool:
    """Whether a Model artifact holds no model, because a Baseline found none.

    Any other Model artifact (an imported one, say) has no note and holds one.
    """
    return bool(fileio.exists(_path(uri))) and read_note(uri) is None


def _path(uri: str) -> str:
    return f"{uri.rstrip('/')}/{NOTE_FILE}"
