"""Where output goes while a run shows its progress."""

import subprocess
import sys
from pathlib import Path

from tests.disks import small_disk

_PROBE = """
import os, sys
from pathlib import Path
from rankbeam.pipeline.runs.log_capture import captured_output
print("before")
with captured_output(Path(sys.argv[1])) as terminal:
    print("from python")
    sys.stderr.write("from stderr\\n")
    os.write(1, b"from C\\n")
    terminal.write("progress\\n")
print("after")
"""


def test_captured_output_splits_progress_from_chatter(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    answer = subprocess.run(
        [sys.executable, "-c", _PROBE, str(log)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines() == ["before", "progress", "after"]
    assert answer.stderr == ""
    assert set(log.read_text(encoding="utf-8").splitlines()) == {
        "from python",
        "from stderr",
        "from C",
    }


_FULL = """
import sys
from pathlib import Path
from rankbeam.pipeline.runs.log_capture import captured_output, log_exception
with captured_output(Path(sys.argv[1])) as terminal:
    print("kept back", end="")
    log_exception(ValueError("x" * 100_000))
    terminal.write("progress\\n")
print("after")
sys.stderr.write("the one message\\n")
"""


def test_captured_output_drops_what_a_full_disk_has_no_room_for(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "16k") as disk:
        answer = subprocess.run(
            [sys.executable, "-c", _FULL, str(disk / "log.txt")],
            capture_output=True,
            text=True,
            check=True,
        )
    assert answer.stdout.splitlines() == ["progress", "after"]
    assert answer.stderr == "the one message\n"
