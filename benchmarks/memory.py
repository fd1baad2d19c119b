"""Resident memory of processes that work together, as the kernel counts it in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


def family(root: int, proc: Path = PROC) -> set[int]:
    """A process and its living descendants."""
    parents = {}
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                # The name in brackets may hold spaces.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    members, added = {root}, True
    while added:
        found = {child for child, parent in parents.items() if parent in members}
        added = not found <= members
        members |= found
    return members


def resident_mb(pids: Iterable[int], proc: Path = PROC) -> float:
    """Resident memory in MB of 10**6 bytes; shared pages count for each, the ended not at all."""
    pages = 0
    for pid in pids:
        try:
            pages += int((proc / str(pid) / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * _PAGE_MB


def tree_mb(root: int, proc: Path = PROC) -> float:
    """Resident memory of a process and its descendants."""
    return resident_mb(family(root, proc), proc)
