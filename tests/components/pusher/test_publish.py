"""Publishing on a real file system: whole or not at all, once per content, under any number."""

import errno
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rankbeam.components.pusher.publish import Published, publish
from rankbeam.serving.content import RECORD_PATH, PushRecord, content_digest, read_record
from rankbeam.serving.versions import list_versions
from rankbeam.transform.errors import EnvironmentFault, GateError
from tests.disks import remount_read_only, small_disk

FILES = {"saved_model.pb": b"graph", "variables/v.data": b"x" * 1000, "assets/words.txt": b"a\nb\n"}
RECORD = PushRecord("ads", 0, "", "2024-01-31T12:00:00+00:00", "blessed", "blessed")


def _fill(content: bytes = b"graph") -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for name, data in (FILES | {"saved_model.pb": content}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    return fill


def _push(base: Path, content: bytes = b"graph", version: int | None = None) -> Published:
    return publish(base, _fill(content), RECORD, version)


def _names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def test_publish_first_version_is_1_with_all_files_and_record(tmp_path: Path) -> None:
    base = tmp_path / "new" / "base"
    published = _push(base)
    assert (published.path, published.is_new) == (base / "1", True)
    assert {
        path.relative_to(base / "1").as_posix(): path.read_bytes()
        for path in (base / "1").rglob("*")
        if path.is_file() and path != base / "1" / RECORD_PATH
    } == FILES
    record = read_record(base / "1")
    assert record == published.record
    assert (record.version, record.digest) == (1, content_digest(base / "1"))
    assert _names(base) == ["1"]


def test_publish_counts_up_from_the_largest(tmp_path: Path) -> None:
    assert [_push(tmp_path, bytes([n])).record.version for n in range(3)] == [1, 2, 3]
    (tmp_path / "41").mkdir()
    assert _push(tmp_path, b"next").record.version == 42


def test_publish_same_content_twice_is_one_version(tmp_path: Path) -> None:
    first = _push(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = _push(tmp_path)
    assert (again.path, again.is_new, again.record) == (tmp_path / "1", False, first.record)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_publish_older_content_becomes_the_newest_version_again(tmp_path: Path) -> None:
    """Servers serve the newest: finding version 1 again would leave them on version 2."""
    contents = (b"good", b"bad", b"good", b"good")
    assert [_push(tmp_path, content).record.version for content in contents] == [1, 2, 3, 3]


def test_publish_refuses_a_folder_of_another_model(tmp_path: Path) -> None:
    first = _push(tmp_path)
    other = replace(first.record, model_name="other")
    message = rf"must hold versions of other only; got {tmp_path}/1, a version of"
    with pytest.raises(GateError, match=message):
        publish(tmp_path, _fill(b"other"), other)
    assert _names(tmp_path) == ["1"]


def test_publish_finds_content_that_others_put_there(tmp_path: Path) -> None:
    _fill()(tmp_path / "5")
    published = _push(tmp_path)
    assert (published.record.version, published.is_new) == (5, False)
    assert published.record.digest == content_digest(tmp_path / "5")


def test_publish_explicit_version(tmp_path: Path) -> None:
    assert _push(tmp_path, version=7).path == tmp_path / "7"
    assert _push(tmp_path, version=7).is_new is False
    assert _push(tmp_path, b"other").record.version == 8


def test_publish_explicit_version_may_repeat_older_content_to_roll_back(tmp_path: Path) -> None:
    _push(tmp_path, b"good")
    _push(tmp_path, b"bad")
    published = _push(tmp_path, b"good", version=3)
    assert (published.record.version, published.is_new) == (3, True)


@pytest.mark.parametrize("taken", ["3", "03"])
def test_publish_explicit_version_with_other_content_collides(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).mkdir()
    (tmp_path / taken / "saved_model.pb").write_bytes(b"theirs")
    with pytest.raises(GateError, match=f"must be free or hold the same model; .*/{taken} holds"):
        _push(tmp_path, version=3)
    assert (tmp_path / taken / "saved_model.pb").read_bytes() == b"theirs"
    assert _names(tmp_path) == [taken]


def test_publish_never_takes_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with pytest.raises(GateError, match=r"must be free or hold the same model; .*/1 holds"):
        _push(tmp_path, version=1)
    assert _push(tmp_path).record.version == 2


def test_publish_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("")
    with pytest.raises(GateError, match=r"versions must be folders; .*/1 is in the way"):
        _push(tmp_path)
    assert _names(tmp_path) == ["1"]


def test_publish_beyond_the_largest_number_is_an_error(tmp_path: Path) -> None:
    (tmp_path / str(2**63 - 1)).mkdir()
    with pytest.raises(GateError, match=f"version {2**63 - 1} leaves none free"):
        _push(tmp_path)


def test_publish_damaged_version_is_not_taken_for_the_same(tmp_path: Path) -> None:
    _push(tmp_path)
    (tmp_path / "1" / "assets" / "words.txt").write_bytes(b"a\n")
    with pytest.raises(GateError, match=r"/1 must have the content sha256:\w+ of its push record"):
        _push(tmp_path)
    assert _push(tmp_path, b"other").record.version == 2


def test_publish_unreadable_record_does_not_hide_equal_bytes(tmp_path: Path) -> None:
    _push(tmp_path)
    (tmp_path / "1" / RECORD_PATH).write_text("{")
    assert _push(tmp_path).record.version == 1


def test_publish_sweeps_what_a_killed_push_left(tmp_path: Path) -> None:
    _fill()(tmp_path / ".rankbeam-push-17-abcd")
    (tmp_path / ".keep").write_text("")
    _push(tmp_path)
    assert _names(tmp_path) == [".keep", "1"]


def test_publish_failing_fill_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        _fill()(folder)
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(EnvironmentFault, match=r"cannot write push.destination .*Input/output"):
        publish(tmp_path, fill, RECORD)
    assert _names(tmp_path) == []


def test_publish_destination_below_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot write push.destination .*/file/base"):
        _push(tmp_path / "file" / "base")


def test_publish_full_disk_is_a_fault_and_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "64k") as base:
        _push(base)
        with pytest.raises(EnvironmentFault, match=r"cannot write .*No space left on device"):
            _push(base, b"x" * 200_000)
        assert _names(base) == ["1"]
        assert _push(base, b"small enough").record.version == 2


def test_publish_read_only_destination_is_a_fault(tmp_path: Path) -> None:
    with small_disk(tmp_path / "fixed", "64k") as base:
        _push(base)
        remount_read_only(base)
        with pytest.raises(EnvironmentFault, match=r"cannot write .*Read-only file system"):
            _push(base, b"other")
        assert _names(base) == ["1"]


def test_publish_readers_never_see_half_a_version(tmp_path: Path) -> None:
    """A reader looks all the time while versions are pushed: each it sees is whole."""
    done = threading.Event()
    seen: set[int] = set()
    broken: list[str] = []

    def read() -> None:
        while not done.is_set():
            for version, path in list_versions(tmp_path).items():
                record = read_record(path)
                if record is None or content_digest(path) != record.digest:
                    broken.append(f"version {version} was seen without its whole content")
                seen.add(version)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        _push(tmp_path, bytes([number]) * 50_000)
    done.set()
    reader.join()
    assert broken == []
    assert len(seen) > 10
    assert sorted(list_versions(tmp_path)) == list(range(1, 61))


PUSHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.components.pusher.test_publish import _push
for content in sys.argv[2].split(","):
    print(_push(Path(sys.argv[1]), content.encode()).record.version, flush=True)
"""
ROOT = str(Path(__file__).resolve().parents[3])


def _race(base: Path, *contents: list[str]) -> list[list[int]]:
    """Versions that processes got which push their contents at the same time."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PUSHER, str(base), ",".join(pushed), ROOT],
            stdout=subprocess.PIPE,
            text=True,
        )
        for pushed in contents
    ]
    answers = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [[int(line) for line in answer.split()] for answer in answers]


def test_publish_race_of_different_models_gives_each_its_own_version(tmp_path: Path) -> None:
    mine, theirs = _race(tmp_path, [f"a{n}" for n in range(40)], [f"b{n}" for n in range(40)])
    assert sorted(mine + theirs) == list(range(1, 81))
    assert mine == sorted(mine)
    assert _names(tmp_path) == sorted(str(n) for n in range(1, 81))


def test_publish_race_of_the_same_models_gives_both_one_version(tmp_path: Path) -> None:
    same = ["a"] * 40
    mine, theirs = _race(tmp_path, same, same)
    assert mine == theirs == [1] * 40


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.components.pusher.test_publish import RECORD, _fill
from rankbeam.components.pusher.publish import publish
def fill(folder):
    _fill()(folder)
    os.kill(os.getpid(), 9)
publish(Path(sys.argv[1]), fill, RECORD)
"""


def test_publish_killed_in_the_middle_leaves_no_version_and_heals(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), ROOT], check=False)
    assert killed.returncode == -9
    (left,) = _names(tmp_path)
    assert left.startswith(".rankbeam-push-")
    assert list_versions(tmp_path) == {}
    assert _push(tmp_path).record.version == 1
    assert _names(tmp_path) == ["1"]
