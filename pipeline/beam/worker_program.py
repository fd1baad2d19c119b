"""The program that a PROCESS environment runs: one file, since the engine gives it no arguments."""

import hashlib
import os
import shlex
import sys
from pathlib import Path

from rankbeam.transform.errors import EnvironmentFault


def worker_program(folder: Path) -> str:
    """Write the program that starts a worker with this process's Python; returns its path.

    The path depends on the Python alone: it goes into the nodes' cache keys.

    Args:
        folder: Where it is written, once.

    Raises:
        EnvironmentFault: The folder cannot be written.
    """
    python = sys.executable
    path = folder / f"beam-worker-{hashlib.sha256(python.encode()).hexdigest()[:8]}"
    # -P and -I would hide an editable install's paths; the folder of work is the engine's own.
    text = (
        "#!/bin/sh\n"
        "export TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0\n"
        f'exec {shlex.quote(python)} -m rankbeam.pipeline.beam.worker "$@"\n'
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            partial = path.with_suffix(f".{os.getpid()}")
            partial.write_text(text, encoding="utf-8")
            partial.chmod(0o755)
            partial.replace(path)
    except OSError as error:
        raise EnvironmentFault(
            f"the state folder must be writable; got {folder}: {error.strerror}"
        ) from None
    return str(path)
