"""What a worker is started with, asked of a real provision service; and how it fails."""

import json
import subprocess
from pathlib import Path

import pytest

from rankbeam.pipeline.beam.worker import worker_variables
from rankbeam.pipeline.beam.worker_program import worker_program
from tests.pipeline.beam.services import ProvisionService, provision_service


def test_worker_learns_what_the_engine_knows() -> None:
    service = ProvisionService()
    with provision_service(service) as endpoint:
        variables = dict(worker_variables("1-7", endpoint))
    assert service.asked_by == ["1-7"]
    assert json.loads(variables.pop("PIPELINE_OPTIONS")) == {"beam:option:experiments:v1": "x"}
    assert variables == {
        "WORKER_ID": "1-7",
        "CONTROL_API_SERVICE_DESCRIPTOR": 'url: "host:1"\n',
        "LOGGING_API_SERVICE_DESCRIPTOR": 'url: "host:2"\n',
        "RUNNER_CAPABILITIES": "a b",
    }


@pytest.mark.slow
def test_worker_that_cannot_learn_ends_with_a_code(tmp_path: Path) -> None:
    program = worker_program(tmp_path)
    words = [program, "--id=1-1", "--provision_endpoint=localhost:1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "UNAVAILABLE" in done.stderr
