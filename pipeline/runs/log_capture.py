"""Sends everything that libraries print to a file, while the progress view keeps the terminal.

TensorFlow's C++ code writes to file descriptors 1 and 2, so Python-level redirection is not
enough: the descriptors themselves are pointed at the log.
"""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


def log_exception(error: BaseException) -> None:
    """Write an error's traceback to the log, for what fits on its disk."""
    # The disk may be full, which may be the very error: the user is told it in any case.
    with suppress(OSError):
        traceback.print_exception(error)


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
        _empty(sys.stdout, 1)
        _empty(sys.stderr, 2)
        os.dup2(saved_out, 1)
        os.dup2(saved_err, 2)
        for descriptor in (saved_out, saved_err, target):
            os.close(descriptor)
        terminal.close()


def _empty(stream: TextIO, descriptor: int) -> None:
    """Flush `stream`; what the log's disk has no room for is dropped, not kept for the terminal."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
        stream.flush()
