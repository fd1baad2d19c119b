"""Folders of a node's own go with it, and never hide what went wrong."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from rankbeam.components.example_batches.leftovers import temporary
from rankbeam.transform.errors import DataError, EnvironmentFault
from tests.disks import small_disk


def _work(*folders: Path, error: Exception | None = None) -> None:
    with temporary(*map(str, folders)):
        for folder in folders:
            (folder / "sub").mkdir(parents=True, exist_ok=True)
        if error is not None:
            raise error


def test_temporary_folders_go_with_the_block(tmp_path: Path) -> None:
    _work(tmp_path / "one", tmp_path / "two")
    assert list(tmp_path.iterdir()) == []
    with temporary(str(tmp_path / "never made")):
        pass


def test_temporary_folders_go_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^rows$"):
        _work(tmp_path / "one", error=DataError("rows"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """A folder that cannot be removed: it is a mount."""
    with small_disk(tmp_path / "busy", "64k") as disk:
        yield disk


def test_temporary_folder_that_stays_hides_no_error(
    busy: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(DataError, match=r"^rows$"),
    ):
        _work(busy, tmp_path / "one", error=DataError("rows"))
    assert list(tmp_path.iterdir()) == [busy]
    [said] = caplog.messages
    assert said.startswith(f"{busy} could not be removed: ")


def test_temporary_folder_that_stays_is_the_environments_fault(busy: Path) -> None:
    with pytest.raises(EnvironmentFault, match=f"^cannot write {busy}: "):
        _work(busy)
