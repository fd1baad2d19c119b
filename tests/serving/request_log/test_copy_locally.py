"""A finished file's way to another folder: whole, or not at all."""

from pathlib import Path

import pytest

from rankbeam.serving.request_log.archive import copy_locally
from tests.serving.request_log.logging_kit import contents_of


def test_copy_appears_whole_and_takes_the_halves_of_killed_ones_away(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "to" / "20250131" / "a"
    source.write_bytes(b"new")
    target.parent.mkdir(parents=True)
    half = target.with_name(".a.0123abcd.partial")
    half.write_bytes(b"n")
    target.write_bytes(b"old")
    copy_locally(source, str(target))
    assert contents_of(tmp_path / "to") == {"20250131/a": b"new"}


def test_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "to" / "a"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        copy_locally(tmp_path / "nowhere", str(target))
    assert contents_of(tmp_path) == {}


def test_copy_to_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "log" / "20250131" / "a"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "log")
    with pytest.raises(OSError, match="must not be the log's own folder"):
        copy_locally(file, str(tmp_path / "link" / "20250131" / file.name))
    assert file.read_bytes() == b"kept"
