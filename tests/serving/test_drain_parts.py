"""The parts of a server's end: in time, or left behind and named."""

import asyncio
import threading

from rankbeam.serving.drain import Drain


def test_drain_names_what_does_not_end_and_goes_on_with_the_rest() -> None:
    released, ended = threading.Event(), []

    async def end() -> list[str]:
        drain = Drain(0.2)
        await drain.end("quick", lambda: ended.append("quick"))
        await drain.end("endless", released.wait)
        assert drain.remaining_s == 0.0
        await drain.end("late, but quick", lambda: ended.append("late"))
        return drain.cut

    try:
        assert asyncio.run(end()) == ["endless"]
    finally:
        released.set()
    assert ended == ["quick", "late"]


def test_drain_that_has_time_waits() -> None:
    async def end() -> list[str]:
        drain = Drain(60.0)
        released = threading.Event()
        threading.Timer(0.8, released.set).start()
        await drain.end("slow", released.wait)
        return drain.cut

    assert asyncio.run(end()) == []
