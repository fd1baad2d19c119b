"""`serve`: from a run's output folder to answers, in a process of its own."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rankbeam.serving.content import RECORD_PATH, PushRecord, content_digest
from rankbeam.serving.predict import PredictOptions, predict
from tests.serving.waiting import wait_until

# The REST port is off, since tests that run beside this one may have it.
SERVE = """
import sys
from rankbeam.pipeline.cli import main
main(["serve", sys.argv[1], "--port=0", "--rest_api_port=0"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_finds_the_pushed_model_and_ends_cleanly(
    saved_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    version = Path(shutil.copytree(saved_model, tmp_path / "out" / "pushed" / "4"))
    record = PushRecord("ads", 4, content_digest(version), "", "blessed", "blessed")
    (version / RECORD_PATH).parent.mkdir(exist_ok=True)
    (version / RECORD_PATH).write_text(record.to_json())
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        assert announced["models"] == {"ads": str(version.parent)}
        target = f"{announced['host']}:{announced['grpc_port']}"
        options = PredictOptions('{"user": "ada"}', "ads", target)
        wait_until(lambda: predict(options)[0]["model_version"] == 4)
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stdout.read() == ""
