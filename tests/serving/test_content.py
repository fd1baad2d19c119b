"""The content digest and the push record."""

import hashlib
from pathlib import Path

import pytest

from rankbeam.serving import content
from rankbeam.transform.errors import DataError


def _tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _record(folder: Path, digest: str) -> content.PushRecord:
    record = content.PushRecord(
        "tiny", 3, digest, "2024-01-31T12:00:00+00:00", "blessed", "blessed"
    )
    _tree(folder, {content.RECORD_PATH.as_posix(): record.to_json().encode()})
    return record


def test_content_digest_of_a_hand_worked_tree(tmp_path: Path) -> None:
    _tree(tmp_path, {"b": b"xyz", "a/c": b""})
    by_hand = (
        b"\0\0\0\0\0\0\0\x03a/c" + b"\0\0\0\0\0\0\0\x00"  # path of 3 bytes, 0 bytes of content
        b"\0\0\0\0\0\0\0\x01b" + b"\0\0\0\0\0\0\0\x03xyz"
    )
    assert content.content_digest(tmp_path) == "sha256:" + hashlib.sha256(by_hand).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        {"a": b"1", "b": b"3"},  # other bytes
        {"a": b"1", "c": b"2"},  # other name
        {"a": b"12", "b": b""},  # the same bytes in a row
        {"a": b"1", "b": b"2", "c": b""},  # one more, empty
        {"a": b"1"},  # one less
    ],
)
def test_content_digest_differs_with_names_and_bytes(
    tmp_path: Path, other: dict[str, bytes]
) -> None:
    first = _tree(tmp_path / "first", {"a": b"1", "b": b"2"})
    second = _tree(tmp_path / "second", other)
    assert content.content_digest(first) != content.content_digest(second)


def test_content_digest_ignores_place_times_and_the_record(tmp_path: Path) -> None:
    first = _tree(tmp_path / "first", {"a": b"1", "s/b": b"2"})
    second = _tree(tmp_path / "second", {"s/b": b"2", "a": b"1"})
    _record(second, "sha256:0")
    assert content.content_digest(first) == content.content_digest(second)


def test_content_record_reads_back(tmp_path: Path) -> None:
    assert content.read_record(tmp_path) is None
    written = _record(tmp_path, "sha256:12")
    assert content.read_record(tmp_path) == written


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"model_name": "x"}', "\x00"])
def test_content_damaged_record_names_the_file(tmp_path: Path, text: str) -> None:
    _tree(tmp_path, {content.RECORD_PATH.as_posix(): text.encode()})
    with pytest.raises(DataError, match=r"rankbeam_push\.json must be a push record; "):
        content.read_record(tmp_path)


def test_content_damage_compares_with_the_record(tmp_path: Path) -> None:
    _tree(tmp_path, {"saved_model.pb": b"1234"})
    assert content.damage(tmp_path) is None  # no record: nothing to hold it against
    record = _record(tmp_path, content.content_digest(tmp_path))
    assert content.damage(tmp_path) is None
    (tmp_path / "saved_model.pb").write_bytes(b"123")
    assert (content.damage(tmp_path) or "").startswith(
        f"{tmp_path} must have the content {record.digest} of its push record; found sha256:"
    )
