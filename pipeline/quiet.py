"""Keeps what libraries say of themselves off the terminal; set before TensorFlow is imported."""

import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rankbeam.transform.errors import RankbeamError

_ENVIRONMENT = {
    # Errors only: start-up notices about CUDA and oneDNN tell a user nothing.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # The same sums in the same order on every CPU.
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
# Clients warn of each try that fails; what comes of it in the end, they raise.
_CLIENTS = ("google.auth", "urllib3.connectionpool")


def quiet_libraries() -> None:
    """Choose quiet defaults; what the user's environment says stays."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Google's clients announce the end of Python versions; nothing here follows from it.
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def held_back_stderr() -> Iterator[None]:
    """Holds back what a block writes to standard error; shown where it fails in no way of ours.

    For imports: TensorFlow 2.21 gives its start-up notices whatever its log level is. An error of
    Rankbeam's own says all there is to say.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except RankbeamError:
            _give_back(saved)
            raise
        except BaseException:
            _give_back(saved)
            held.seek(0)
            shutil.copyfileobj(held, sys.stderr)
            raise
        _give_back(saved)


def _give_back(saved: int) -> None:
    sys.stderr.flush()
    os.dup2(saved, 2)
    os.close(saved)
