"""How benchmarks/memory.py counts."""

import os
from pathlib import Path

import pytest

from benchmarks.memory import family, resident_mb, tree_mb

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Process 7 with its child 8 and grandchild 9; 10 is a stranger."""
    for number, parent, pages in ((7, 1, 1_000), (8, 7, 200), (9, 8, 30), (10, 1, 4)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "stat").write_text(f"{number} (a name) S {parent} 0 0")
        (folder / "statm").write_text(f"9999 {pages} 1")
    (tmp_path / "uptime").mkdir()
    return tmp_path


def test_family_is_a_process_and_its_descendants(proc: Path) -> None:
    assert family(7, proc) == {7, 8, 9}
    assert family(10, proc) == {10}


def test_resident_mb_counts_ended_processes_as_nothing(proc: Path) -> None:
    assert resident_mb([8, 10, 11], proc) == pytest.approx(204 * _PAGE_MB)


def test_tree_mb_counts_descendants(proc: Path) -> None:
    assert tree_mb(7, proc) == pytest.approx(1_230 * _PAGE_MB)
    assert tree_mb(os.getpid()) > 10
