"""Renaming without replacing, by the kernel's flag and without it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rankbeam.components.pusher.rename import rename_checked, rename_new


def _folder(path: Path, content: bytes) -> None:
    path.mkdir()
    (path / "file").write_bytes(content)


@pytest.mark.parametrize("rename", [rename_new, rename_checked])
def test_rename_moves_to_a_free_name(tmp_path: Path, rename: Callable[[Path, Path], None]) -> None:
    _folder(tmp_path / "a", b"ours")
    rename(tmp_path / "a", tmp_path / "b")
    assert os.listdir(tmp_path) == ["b"]


@pytest.mark.parametrize("rename", [rename_new, rename_checked])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_rename_replaces_nothing(
    tmp_path: Path, rename: Callable[[Path, Path], None], kind: str
) -> None:
    _folder(tmp_path / "a", b"ours")
    if kind == "folder":
        _folder(tmp_path / "b", b"theirs")
    else:
        (tmp_path / "b").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        rename(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "file").read_bytes() == b"ours"


def test_rename_does_not_replace_an_empty_folder(tmp_path: Path) -> None:
    _folder(tmp_path / "a", b"ours")
    (tmp_path / "b").mkdir()
    with pytest.raises(FileExistsError, match="File exists"):
        rename_new(tmp_path / "a", tmp_path / "b")
    assert os.listdir(tmp_path / "b") == []


@pytest.mark.parametrize("rename", [rename_new, rename_checked])
def test_rename_other_errors_are_kept(tmp_path: Path, rename: Callable[[Path, Path], None]) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        rename(tmp_path / "absent", tmp_path / "b")
