"""What must hold where the Beam stages run, looked at before anything starts."""

import shutil
import socket
import subprocess
from collections.abc import Iterable

import grpc

from rankbeam.pipeline.beam.arguments import Place
from rankbeam.pipeline.beam.known_options import check_options
from rankbeam.pipeline.beam.plan import BeamPlan, is_local
from rankbeam.pipeline.beam.spec import DockerEnvironment, ExternalEnvironment, ProcessEnvironment
from rankbeam.pipeline.engines.health import job_service_fault
from rankbeam.pipeline.engines.places import EngineKind
from rankbeam.transform.errors import EnvironmentFault

_TIMEOUT_S = 10.0
_DOCKER_TIMEOUT_S = 60.0
"""Its daemon may be starting, and the image's registry be slow."""


def check_plan(plan: BeamPlan) -> None:
    """Look at every engine in use, and hold further options to what it knows.

    Raises:
        EnvironmentFault: Nothing answers at an endpoint, or what starts Python workers is missing.
        ConfigError: An option is not known.
    """
    described: dict[str, tuple[str, ...]] = {}
    for kind, place in plan.places.items():
        _check_job_service(kind, place.endpoint)
        _check_environment(kind, place)
    for node in plan.nodes.values():
        if not node.options:
            continue
        if node.place is not None and node.runner not in described:
            described[node.runner] = tuple(_described_options(node.place.endpoint))
        check_options(node.options, described.get(node.runner, ()))


def _check_job_service(kind: EngineKind, endpoint: str) -> None:
    fault = job_service_fault(endpoint, _TIMEOUT_S)
    if fault is not None:
        raise EnvironmentFault(
            f"beam.{kind}.job_endpoint must be a Beam job service that answers; got {endpoint}: "
            f"{fault} (start one here with rankbeam engine up {kind})"
        )


def _check_environment(kind: EngineKind, place: Place) -> None:
    # What is elsewhere shows when the probe asks for a worker there.
    if not is_local(place.endpoint):
        return
    environment, field = place.environment, f"beam.{kind}.environment"
    if isinstance(environment, ExternalEnvironment):
        host, _, port = environment.address.rpartition(":")
        if is_local(environment.address) and not _listens(host, int(port)):
            raise EnvironmentFault(
                f"{field}.address must be a worker pool that listens; got {environment.address}, "
                "where nothing does (python -m apache_beam.runners.worker.worker_pool_main "
                f"--service_port={port}, with the environment's bin first on PATH)"
            )
    elif isinstance(environment, ProcessEnvironment):
        if shutil.which(environment.command or "") is None:
            raise EnvironmentFault(
                f"{field}.command must be a program that can be run; got {environment.command}"
            )
    elif isinstance(environment, DockerEnvironment):
        _check_image(field, environment.image)


def _check_image(field: str, image: str) -> None:
    docker = shutil.which("docker")
    if docker is None:
        raise EnvironmentFault(f"{field} docker must find docker on PATH; got none")
    for words in (("image", "inspect"), ("manifest", "inspect")):
        done = _docker(field, [docker, *words, image])
        if done.returncode == 0:
            return
    told = done.stderr.strip().splitlines()
    raise EnvironmentFault(
        f"{field}.image must be an image that docker finds; got {image}: "
        f"{told[-1] if told else 'no such image'}"
    )


def _docker(field: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,  # a registry may ask for a password
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_DOCKER_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        got = f"no answer within {_DOCKER_TIMEOUT_S:g} s to {' '.join(command)}"
    except OSError as error:
        got = f"{command[0]}: {error.strerror}"
    raise EnvironmentFault(f"{field} docker must be able to ask docker for its image; got {got}")


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S):
            return True
    except OSError:
        return False


def _described_options(endpoint: str) -> Iterable[str]:
    # Late: Beam takes seconds to import, and most configs have no further options.
    from apache_beam.portability.api import (  # noqa: PLC0415
        beam_job_api_pb2,
        beam_job_api_pb2_grpc,
    )

    with grpc.insecure_channel(endpoint) as channel:
        service = beam_job_api_pb2_grpc.JobServiceStub(channel)
        request = beam_job_api_pb2.DescribePipelineOptionsRequest()
        answer = service.DescribePipelineOptions(request, timeout=_TIMEOUT_S)
    return [option.name for option in answer.options]
