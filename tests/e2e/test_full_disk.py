"""A disk that fills up: the machine is blamed, nothing is half-written, room is all it takes."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.disks import resize, small_disk
from tests.e2e import outputs
from tests.e2e.command import Finished, await_that
from tests.e2e.conftest import Undisturbed
from tests.e2e.tiny import run_words, write_config
from tests.e2e.warm import WarmProcess

pytestmark = pytest.mark.slow

_ENVIRONMENT_FAULT = 5
_BALLAST = "ballast"


def _fill(disk: Path, free_bytes: int = 0) -> None:
    """Take the room of a disk, but for `free_bytes`, while others may be writing to it."""
    with (disk / _BALLAST).open("wb") as file:
        room = os.statvfs(disk)
        piece = room.f_bavail * room.f_frsize - free_bytes
        while piece >= room.f_frsize:
            try:
                os.posix_fallocate(file.fileno(), file.tell(), piece)
                file.seek(piece, os.SEEK_CUR)
            except OSError:
                piece //= 2


@contextmanager
def _filled_when(disk: Path, output: Path, node: str) -> Iterator[None]:
    """Fill the disk for a block, from the moment when a node begins."""
    before = outputs.begun(output, node)

    def fill() -> None:
        await_that(lambda: bool(outputs.begun(output, node) - before))
        _fill(disk)

    watcher = threading.Thread(target=fill)
    watcher.start()
    try:
        yield
    finally:
        watcher.join()
        (disk / _BALLAST).unlink()


def _assert_blamed(finished: Finished, output: Path) -> None:
    assert finished.code == _ENVIRONMENT_FAULT, finished
    message, *log = finished.err.splitlines()
    assert message.startswith("error: ")
    assert any(
        phrase in message
        for phrase in ("No space left on device", "database or disk is full", "no transaction")
    ), message
    assert all(line.startswith(f"full log: {output}/runs/") for line in log)
    assert len(log) <= 1
    assert outputs.pushed(output) == {}
    assert [path.name for path in output.rglob("*.tmp")] == []


def test_output_disk_that_fills_up_in_one_node_after_the_other(
    undisturbed: Undisturbed, market: Path, warm: WarmProcess, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        output = disk / "out"
        words = run_words(undisturbed.config, market, output)
        for free_bytes in (0, 20_000):
            _fill(disk, free_bytes)
            _assert_blamed(warm.rankbeam(*words), output)
            (disk / _BALLAST).unlink()
        for node in ("Transform", "Trainer", "InfraValidator", "ParityCheck", "Evaluator"):
            with _filled_when(disk, output, node):
                finished = warm.rankbeam(*words)
            _assert_blamed(finished, output)
            nodes = outputs.states(outputs.records(output)[-1])
            assert node not in nodes or nodes[node] == "failed"
            assert all(artifact.exists() for artifact in outputs.live_artifacts(output))
        finished = warm.rankbeam(*words)
        assert (finished.code, finished.err) == (0, "")
        assert outputs.pushed(output) == undisturbed.pushed
        assert outputs.leftovers(output) == []


def test_destination_disk_that_is_full(
    undisturbed: Undisturbed, market: Path, warm: WarmProcess, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        config = write_config(tmp_path / "config", {"push.destination": str(disk / "models")})
        words = run_words(config, market, undisturbed.output)
        finished = warm.rankbeam(*words)
        record = outputs.records(undisturbed.output)[-1]
        assert finished.code == _ENVIRONMENT_FAULT
        assert finished.err.startswith(f"error: cannot write push.destination {disk}/models: ")
        assert len(finished.err.splitlines()) == 2
        assert "No space left on device" in record["error"]
        assert (record["state"], record["version"]) == ("failed", None)
        assert outputs.pushed(disk, "models") == {}

        resize(disk, "1m")
        finished = warm.rankbeam(*words)
        assert (finished.code, finished.err) == (0, "")
        assert outputs.pushed(disk, "models") == undisturbed.pushed
