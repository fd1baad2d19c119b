"""Sends everything that libraries print to a file, while the progress view keeps the terminal.

TensorFlow's C++ code writes to file descriptors 1 and 2, so Python-level redirection is not
enough: the descriptors themselves are pointed at the log.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def captured_output(log: Path) -> Iterator[TextIO]:
    """Point standard output and error at `log`; yield a stream to the real standard output."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved_out, saved_err = os.dup(1), os.dup(2)
    terminal = os.fdopen(os.dup(saved_out), "w", encoding="utf-8", buffering=1)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved_out, 1)
        os.dup2(saved_err, 2)
        for descriptor in (saved_out, saved_err, target):
            os.close(descriptor)
        terminal.close()
