"""Freed memory goes back to the machine. Each case has its own process, as the limits do."""

import os
import platform
import subprocess
import sys

import pytest

# Once a block of 30 MB was freed, glibc's malloc takes the next ones from the heap, and keeps them.
_PROGRAM = """
import sys
from pathlib import Path

from rankbeam.serving.memory import give_back_freed_memory


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 >> 20


if sys.argv[1] == "set":
    give_back_freed_memory()
before = resident()
for _ in range(3):
    block = b"x" * (30 << 20)
    del block
print(resident() - before)
"""


def _kept_mb(how: str, **environment: str) -> int:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, how],
        env={**plain, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif("glibc" not in platform.libc_ver()[0], reason="the limits are glibc's")
def test_freed_memory_goes_back_unless_the_environment_says_otherwise() -> None:
    keeping = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
    assert _kept_mb("leave") >= 25
    assert _kept_mb("set") <= 2
    assert _kept_mb("set", **keeping) >= 25
