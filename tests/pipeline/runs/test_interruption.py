"""Signals as errors."""

import os
import signal
import subprocess
import sys

import pytest

from rankbeam.pipeline.runs.interruption import Interrupted, interruptible

_STUBBORN = """
import os, signal, time
from rankbeam.pipeline.runs.interruption import Interrupted, interruptible
with interruptible():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    except Interrupted:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruptible_raises_an_error_with_the_signals_exit_code(number: int, code: int) -> None:
    def be_interrupted() -> None:
        with interruptible():
            os.kill(os.getpid(), number)
            signal.pause()

    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match="run again to resume") as caught:
        be_interrupted()
    assert caught.value.exit_code == code
    assert signal.getsignal(number) is before


def test_interruptible_ends_at_once_at_the_second_signal() -> None:
    answer = subprocess.run([sys.executable, "-c", _STUBBORN], check=False, timeout=30)
    assert answer.returncode == 143
