"""The job that is run before the others, on Beam's own runner with workers beside itself.

There a worker is a process of the same Python, or a thread that talks to the runner as one would.
The runner starts it from a thread that nobody can end, does not look whether it lives, and waits
without limit for its call. So the job has a process of its own, which ends with all it has started.

Usage of that process: `probe_direct.py WORD...`, with what Beam is told.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from typing import IO, NoReturn

from rankbeam.pipeline.beam.arguments import Arguments
from rankbeam.pipeline.beam.probe_reason import marked, told
from rankbeam.pipeline.compiled import process
from rankbeam.transform.errors import EnvironmentFault

_MODULE = "rankbeam.pipeline.beam.probe_direct"
_COUNT = "--direct_num_workers="
# Beam's name for the thread that starts a worker and stays with it, and for one that is a worker.
_WORKER_THREAD = "run_worker"
# A worker may complain too when it is told to end, as its job does right after.
_GRACE_S = 3.0


def one_worker(words: Sequence[str]) -> Arguments:
    """What Beam is told, for a single worker: they are all started alike."""
    return (*(word for word in words if not word.startswith(_COUNT)), f"{_COUNT}1")


def probe_direct(words: Sequence[str], timeout_s: float) -> None:
    """Run the job.

    Args:
        words: What Beam is told.
        timeout_s: Time for the job to end.

    Raises:
        EnvironmentFault: It does not end well in time; the log has what worker and runner said.
    """
    begin = time.monotonic()
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", _MODULE, *words]
        try:
            code = process.run(command, os.environ, log, timeout_s)
        except subprocess.TimeoutExpired:
            _show(log)
            raise EnvironmentFault(
                f"Beam's own runner must start a Python worker within {timeout_s:g} s; got none "
                f"(its python is {sys.executable}; the log has what it said; where a proxy is "
                "set, is localhost in no_proxy?)"
            ) from None
        if code == 0:
            return
        printed = _show(log)
    seconds = time.monotonic() - begin
    raise EnvironmentFault(
        f"Beam's own runner must run a Python worker like this process; after {seconds:.0f} s got "
        f"{told(printed)} (its python is {sys.executable}; the log has what it said)"
    )


def _show(log: IO[bytes]) -> str:
    """What was printed, after it is printed here as well."""
    log.seek(0)
    printed = log.read().decode("utf-8", errors="replace")
    print(printed, file=sys.stderr, flush=True)
    return printed


def main(words: Sequence[str]) -> None:
    """Be the process with the job; it ends with 1, and the reason, where a worker does not run."""
    # Late: Beam takes seconds, and a run that only waits for this process needs none of it.
    from rankbeam.pipeline.beam.probe import Expected, start_job  # noqa: PLC0415

    ended = threading.Event()

    def died(thread: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(thread)
        is_worker = thread.thread is not None and thread.thread.name == _WORKER_THREAD
        if is_worker and not ended.wait(_GRACE_S):
            _end(str(thread.exc_value))

    threading.excepthook = died
    try:
        start_job(words, [Expected()]).wait_until_finish()
    except Exception as error:
        traceback.print_exc()
        _end(str(error) or type(error).__name__)
    ended.set()


def _end(reason: str) -> NoReturn:
    """End the process at once: a thread that waits for its worker would keep it."""
    print(marked(" ".join(reason.split())), file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
