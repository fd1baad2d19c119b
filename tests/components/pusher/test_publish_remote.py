"""Publishing without a rename: a watcher sees a whole version or none, and pushers take turns."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.io import fileio

from rankbeam.components.pusher import publish_remote as module
from rankbeam.components.pusher.claim import CLAIMS_FOLDER, Patience, claimed
from rankbeam.components.pusher.publish import Published
from rankbeam.components.pusher.publish_remote import publish_remote
from rankbeam.components.remote.files import download_folder, read_bytes, write_bytes
from rankbeam.serving.content import PushRecord, content_digest, damage, read_record
from rankbeam.transform.errors import EnvironmentFault, GateError
from tests.components.remote.memory import ObjectsFileSystem

FILES = {"saved_model.pb": b"graph", "variables/v.data": b"x" * 1000, "assets/words.txt": b"a\nb\n"}
RECORD = PushRecord("ads", 0, "", "2024-01-31T12:00:00+00:00", "blessed", "blessed")
_HASTE = Patience(wait_s=0.2, pause_s=0.01, stale_s=3600)


class _Killed(BaseException):
    """What no handler expects, as nothing runs after a kill."""


def _fill(content: bytes = b"graph") -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for name, data in (FILES | {"saved_model.pb": content}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    return fill


def _push(base: str, content: bytes = b"graph", version: int | None = None) -> Published:
    return publish_remote(base, _fill(content), RECORD, version, _HASTE)


def _numbers(base: str) -> list[str]:
    if not fileio.isdir(base):  # a bucket has no empty folders
        return []
    names = [name.rstrip("/") for name in fileio.listdir(base)]
    return sorted(name for name in names if name != CLAIMS_FOLDER)


def _no_claims(base: str) -> bool:
    folder = f"{base}/{CLAIMS_FOLDER}"
    return not fileio.exists(folder) or not list(fileio.listdir(folder))


def test_first_version_is_1_with_all_files_and_record(place: str, tmp_path: Path) -> None:
    published = _push(f"{place}/new/base/")
    assert (published.path, published.is_new) == (f"{place}/new/base/1", True)
    download_folder(f"{place}/new/base/1", tmp_path / "copy")
    for name, content in FILES.items():
        assert (tmp_path / "copy" / name).read_bytes() == content
    record = read_record(tmp_path / "copy")
    assert record == published.record
    assert (record.version, record.digest) == (1, content_digest(tmp_path / "copy"))
    assert _numbers(f"{place}/new/base") == ["1"]
    assert _no_claims(f"{place}/new/base")


def test_versions_count_up_and_find_the_newest_again(place: str) -> None:
    contents = (b"good", b"bad", b"good", b"good")
    found = [_push(place, content) for content in contents]
    assert [each.record.version for each in found] == [1, 2, 3, 3]
    assert [each.is_new for each in found] == [True, True, True, False]
    write_bytes(f"{place}/0041/saved_model.pb", b"somebody else's")
    write_bytes(f"{place}/notes/readme", b"no version")
    assert _push(place, b"next").record.version == 42


def test_content_of_others_is_told_by_its_bytes(place: str) -> None:
    for name, content in FILES.items():
        write_bytes(f"{place}/7/{name}", content)
    again = _push(place)
    assert (again.record.version, again.is_new) == (7, False)


def test_pinned_version_must_be_free_or_the_same(place: str) -> None:
    assert _push(place, version=5).record.version == 5
    assert not _push(place, version=5).is_new
    with pytest.raises(GateError, match=rf"{place}/5 holds other content than sha256:"):
        _push(place, b"other", version=5)
    assert read_bytes(f"{place}/5/saved_model.pb") == b"graph"


def test_damaged_version_is_named(place: str) -> None:
    _push(place)
    write_bytes(f"{place}/1/variables/v.data", b"y" * 1000)
    with pytest.raises(GateError, match=rf"{place}/1 must have the content .* of its push record"):
        _push(place)


def test_folder_of_another_model_is_refused(place: str) -> None:
    first = _push(place)
    other = replace(first.record, model_name="other")
    with pytest.raises(GateError, match=rf"versions of other only; got {place}/1, a version of"):
        publish_remote(place, _fill(b"other"), other, patience=_HASTE)
    assert _no_claims(place)


def test_version_beyond_the_largest_is_refused(place: str) -> None:
    write_bytes(f"{place}/{2**63 - 1}/saved_model.pb", b"last")
    with pytest.raises(GateError, match=r"versions must be below 2\*\*63"):
        _push(place)


@pytest.fixture
def bucket() -> Iterator[str]:
    """An empty place among objects, whose every writing is seen."""
    ObjectsFileSystem.reset()
    yield "objects://bucket/tests"
    ObjectsFileSystem.reset()


def test_watcher_sees_a_whole_version_or_none(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def look(_: str) -> None:
        whole = fileio.exists(f"{bucket}/1/saved_model.pb")
        if whole:
            copy = tmp_path / str(len(seen))
            download_folder(f"{bucket}/1", copy)
            assert damage(copy) is None
            assert read_record(copy) is not None
        seen.append(whole)

    monkeypatch.setattr(ObjectsFileSystem, "fails", staticmethod(look))
    _push(bucket)
    _push(bucket, b"next")
    assert seen.count(False) == 5  # the claim, the record and all three files
    assert seen.count(True) == 5
    written = [path for kind, path in ObjectsFileSystem.log if kind == "put"]
    assert written[1].endswith("/1/assets.extra/rankbeam_push.json")
    assert written[4].endswith("/1/saved_model.pb")


@pytest.mark.parametrize("step", range(5))
def test_push_that_fails_leaves_nothing(
    bucket: str, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    _push(bucket, b"old")
    left = iter(range(step))

    def fail(path: str) -> None:
        if next(left, None) is None:
            raise OSError("no quota")

    monkeypatch.setattr(ObjectsFileSystem, "fails", staticmethod(fail))
    with pytest.raises(EnvironmentFault, match=rf"cannot write push.destination {bucket}: .*quota"):
        _push(bucket)
    monkeypatch.setattr(ObjectsFileSystem, "fails", None)
    assert _numbers(bucket) == ["1"]
    assert _no_claims(bucket)
    assert _push(bucket).record.version == 2


@pytest.mark.parametrize("step", range(1, 5))
def test_killed_push_leaves_nothing_to_load_and_the_next_takes_its_number(
    bucket: str, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    left = iter(range(step))

    def kill(path: str) -> None:
        if next(left, None) is None:
            raise _Killed

    monkeypatch.setattr(ObjectsFileSystem, "fails", staticmethod(kill))
    with monkeypatch.context() as dead:
        dead.setattr(module, "_discard", lambda target: None)
        with pytest.raises(_Killed):
            _push(bucket)
    monkeypatch.setattr(ObjectsFileSystem, "fails", None)
    assert not fileio.exists(f"{bucket}/1/saved_model.pb")
    assert step == 1 or fileio.exists(f"{bucket}/1")
    published = _push(bucket, b"other")
    assert (published.record.version, published.is_new) == (1, True)
    assert read_bytes(f"{bucket}/1/saved_model.pb") == b"other"


def test_upload_that_others_have_begun_keeps_its_number(bucket: str) -> None:
    write_bytes(f"{bucket}/1/variables/v.data", b"somebody else's")
    assert _push(bucket).record.version == 2
    assert read_bytes(f"{bucket}/1/variables/v.data") == b"somebody else's"


def test_file_that_arrives_short_is_no_version(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(source: Path, uri: str) -> None:
        write_bytes(uri, source.read_bytes()[:-1])

    monkeypatch.setattr(module, "upload", cut)
    with pytest.raises(EnvironmentFault, match=r"must have \d+ bytes; got \d+"):
        _push(bucket)
    assert _numbers(bucket) == []


def test_pushers_at_once_get_numbers_of_their_own(place: str) -> None:
    patience = Patience(wait_s=60, pause_s=0.02)
    found: list[Any] = []

    def push(content: bytes) -> None:
        found.append(publish_remote(place, _fill(content), RECORD, None, patience))

    threads = [threading.Thread(target=push, args=(bytes([n]),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.record.version for each in found) == [1, 2, 3, 4]
    assert _no_claims(place)
    for each in found:
        assert read_bytes(f"{each.path}/saved_model.pb") in [bytes([n]) for n in range(4)]


def test_claim_of_another_is_waited_for_and_then_named(place: str) -> None:
    with claimed(place, _HASTE), pytest.raises(EnvironmentFault, match=r"another push holds .*/"):
        _push(place)
    assert _push(place).record.version == 1


def test_claim_of_a_killed_push_is_removed_when_it_is_old(place: str) -> None:
    write_bytes(f"{place}/{CLAIMS_FOLDER}/1-dead", f"{time.time() - 4000}\n".encode())
    assert _push(place).record.version == 1
    assert _no_claims(place)


def test_push_whose_turn_is_over_publishes_nothing(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(path: str) -> None:
        if path.endswith("v.data"):  # all the others have given this push up
            for name in fileio.listdir(f"{bucket}/{CLAIMS_FOLDER}"):
                fileio.remove(f"{bucket}/{CLAIMS_FOLDER}/{name}")

    monkeypatch.setattr(ObjectsFileSystem, "fails", staticmethod(lose))
    with pytest.raises(EnvironmentFault, match=r"push must keep its turn; its claim .* is gone"):
        _push(bucket)
    assert _numbers(bucket) == []


def test_place_that_nobody_knows_is_the_environments_fault() -> None:
    with pytest.raises(EnvironmentFault, match=r"cannot write push.destination nowhere://a/b: "):
        _push("nowhere://a/b")
