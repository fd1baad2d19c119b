"""Serving in this process until it is told to stop: what `rankbeam serve` does."""

import contextlib
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from rankbeam.serving.memory import give_back_freed_memory
from rankbeam.serving.priority import let_threads_finish
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SWITCH_INTERVAL_S = 0.0005
CUT_EXIT_CODE = 1
"""Of a process whose drain time was over before all had ended."""


def run_server(options: ServerOptions, announce: Callable[[str], None] | None = None) -> None:
    """Serves until SIGTERM or SIGINT, then drains; a second signal ends the drain at once.

    Where something has not ended when the drain time is over, the process ends here and now.

    Once it listens, it announces one line of JSON: `{"event": "listening", "host": ...,
    "grpc_port": ..., "rest_port": ..., "pid": ..., "models": {NAME: BASE_PATH, ...}}`.

    Args:
        options: what to serve, where.
        announce: takes the line; by default it goes to standard output.

    Raises:
        EnvironmentFault: the port or interface cannot be had.
    """
    give_back_freed_memory()
    # What is imported by now lives as long as the process; collections need not look at it again,
    # which keeps them short when versions are swapped under load.
    gc.collect()
    gc.freeze()
    let_threads_finish()
    # The event loop must not wait 5 ms for the interpreter each time a version is being loaded.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        with _stop_on_signals() as stop, ModelServer(options) as server:
            (announce or _print_line)(_announcement(options, server))
            stop.wait()
    except KeyboardInterrupt:  # the second one
        _leave(128 + signal.SIGINT)
    if server.cut:
        _leave(CUT_EXIT_CODE)


def _leave(code: int) -> NoReturn:
    """Ends the process; Python would wait for the threads that are left behind."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def _announcement(options: ServerOptions, server: ModelServer) -> str:
    return json.dumps(
        {
            "event": "listening",
            "host": options.host,
            "grpc_port": server.port,
            "rest_port": server.rest_port,
            "pid": os.getpid(),
            "models": {model.name: str(model.base_path) for model in options.models},
        }
    )


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first stop signal sets; the second one ends what goes on.

    It does so even where the process was started to ignore it, as a shell's background jobs are.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}

    def on_signal(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()

    for number in _STOP_SIGNALS:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
