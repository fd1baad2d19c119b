"""The lock of an output folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rankbeam.pipeline.runs.lock import output_lock
from rankbeam.transform.errors import EnvironmentFault

_HOLD = """
import sys, time
from pathlib import Path
from rankbeam.pipeline.runs.lock import output_lock
root = Path(sys.argv[1])
with output_lock(root, root / ".lock"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_keeps_a_second_run_out_until_the_first_is_gone(tmp_path: Path) -> None:
    root = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(root)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        message = re.escape(f"output folder must be free; another run is writing to {root}")
        with pytest.raises(EnvironmentFault, match=message), output_lock(root, root / ".lock"):
            pass
        holder.kill()
        holder.wait()
    with output_lock(root, root / ".lock"):
        assert root.is_dir()


def test_lock_refuses_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    root = tmp_path / "file" / "out"
    message = re.escape(f"output folder must be writable; got {root}: Not a directory")
    with pytest.raises(EnvironmentFault, match=message), output_lock(root, root / ".lock"):
        pass
