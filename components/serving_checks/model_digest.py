"""The identity of a model apart from what checks and pushes add to its folder."""

from pathlib import Path

from rankbeam.serving.content import RECORD_PATH, content_digest
from rankbeam.serving.warmup import WARMUP_PATH


def model_digest(folder: Path) -> str:
    """The digest of a model's files, `sha256:...`, without push record and warm-up requests.

    The Trainer's model, the copy that InfraValidator stamps with warm-up requests, and the version
    that is pushed have the same one.

    Raises:
        OSError: a file cannot be read.
    """
    return content_digest(folder, leave_out=(RECORD_PATH, WARMUP_PATH))
