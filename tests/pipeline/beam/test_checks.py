"""Engines, pools, programs and images that are missing are one error before anything starts."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.beam import checks
from rankbeam.pipeline.beam.checks import check_plan
from rankbeam.pipeline.beam.plan import BeamPlan, EngineFound, make_plan
from rankbeam.pipeline.beam.prepare import prepare_beam
from rankbeam.pipeline.beam.spec import BeamSpec
from rankbeam.pipeline.beam.worker_program import worker_program
from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.pipeline.beam.services import job_service
from tests.pipeline.engines.programs import program


def _plan(endpoint: str, environment: Mapping[str, Any] | None = None, **more: Any) -> BeamPlan:
    section = {"job_endpoint": endpoint, "environment": environment}
    spec = BeamSpec.model_validate({"runner": "flink", "flink": section, **more})

    def none_asked(_: object) -> EngineFound:
        raise AssertionError("an endpoint is given")

    return make_plan(spec, None, none_asked, lambda: "/bin/sh")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_direct_needs_nothing() -> None:
    check_plan(prepare_beam(BeamSpec(), None, "/artifacts"))


def test_job_service_that_answers_passes() -> None:
    with job_service() as endpoint:
        check_plan(_plan(endpoint))


def test_nothing_at_the_endpoint_is_a_fault() -> None:
    port = _free_port()
    message = (
        rf"^beam\.flink\.job_endpoint must be a Beam job service that answers; got localhost:{port}"
        r": nothing listens there \(start one here with rankbeam engine up flink\)$"
    )
    with pytest.raises(EnvironmentFault, match=message):
        check_plan(_plan(f"localhost:{port}"))


def test_no_engine_up_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANKBEAM_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    program(tmp_path / "bin", "java", "echo 'openjdk version \"17.0.1\"' >&2")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    message = r"got one that is down: not started \(start one with rankbeam engine up spark, or set"
    with pytest.raises(EnvironmentFault, match=message):
        prepare_beam(BeamSpec(), "spark", "/artifacts")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"up spark, for which java must be installed .*; "):
        prepare_beam(BeamSpec(), "spark", "/artifacts")


def test_worker_pool_that_does_not_listen_is_a_fault() -> None:
    port = _free_port()
    pool = {"kind": "external", "address": f"localhost:{port}"}
    message = rf"^beam\.flink\.environment\.address must be a worker pool that .* localhost:{port}"
    with job_service() as endpoint, pytest.raises(EnvironmentFault, match=message):
        check_plan(_plan(endpoint, pool))
    with job_service() as endpoint, socket.create_server(("127.0.0.1", port)):
        check_plan(_plan(endpoint, pool))


def test_program_that_cannot_be_run_is_a_fault() -> None:
    message = r"^beam\.flink\.environment\.command must be a program that can be run; got /no/boot$"
    with job_service() as endpoint, pytest.raises(EnvironmentFault, match=message):
        check_plan(_plan(endpoint, {"kind": "process", "command": "/no/boot"}))


def test_image_that_docker_does_not_find_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    image = {"kind": "docker", "image": "rankbeam:9"}
    with job_service() as endpoint:
        with pytest.raises(EnvironmentFault, match=r"docker must find docker on PATH; got none$"):
            check_plan(_plan(endpoint, image))
        program(tmp_path, "docker", 'echo "no such manifest: $3" >&2', "exit 1")
        message = r"image must be an image that docker finds; got rankbeam:9: no such manifest: ran"
        with pytest.raises(EnvironmentFault, match=message):
            check_plan(_plan(endpoint, image))
        program(tmp_path, "docker", '[ "$1 $2 $3" = "image inspect rankbeam:9" ]')
        check_plan(_plan(endpoint, image))


def test_docker_that_does_not_answer_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(checks, "_DOCKER_TIMEOUT_S", 0.2)
    docker = program(tmp_path, "docker", "exec sleep 60")
    field = r"^beam\.flink\.environment docker must be able to ask docker for its image; got "
    image = {"kind": "docker", "image": "rankbeam:9"}
    with job_service() as endpoint:
        silent = rf"{field}no answer within 0\.2 s to {docker} image inspect rankbeam:9$"
        with pytest.raises(EnvironmentFault, match=silent):
            check_plan(_plan(endpoint, image))
        docker.write_bytes(b"no program")
        with pytest.raises(EnvironmentFault, match=rf"{field}{docker}: Exec format error$"):
            check_plan(_plan(endpoint, image))


def test_options_are_held_to_what_the_job_service_describes() -> None:
    with job_service() as endpoint:
        check_plan(_plan(endpoint, options=["--maxBundleSize=3"]))
        with pytest.raises(ConfigError, match=r"got --maxBundelSize=3 \(did you mean --maxBundl"):
            check_plan(_plan(endpoint, options=["--maxBundelSize=3"]))


def test_worker_program_is_written_once_and_runs_this_python(tmp_path: Path) -> None:
    path = Path(worker_program(tmp_path / "state"))
    before = path.stat().st_mtime_ns
    assert worker_program(tmp_path / "state") == str(path)
    assert path.stat().st_mtime_ns == before
    assert path.stat().st_mode & 0o111
    assert "-m rankbeam.pipeline.beam.worker" in path.read_text()
