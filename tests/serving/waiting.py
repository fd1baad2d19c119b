"""Waiting for what a server does in its own time."""

import contextlib
import time
from collections.abc import Callable

from rankbeam.serving.client import ChannelOptions, PredictClient
from rankbeam.transform.errors import RankbeamError

NAME = "tiny"


def wait_available(
    target: str,
    version: int = 1,
    timeout_s: float = 30.0,
    channel: ChannelOptions | None = None,
) -> None:
    """Waits until a version of `tiny` is AVAILABLE."""
    with PredictClient(target, NAME, channel=channel) as client:
        wait_until(
            lambda: any(
                row.version == version and row.state == "AVAILABLE" for row in client.status()
            ),
            timeout_s,
        )


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Polls a condition; errors of the condition count as not yet."""
    deadline = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(RankbeamError):
            if condition():
                return
        assert time.monotonic() < deadline, f"not so within {timeout_s} s"
        time.sleep(0.02)
