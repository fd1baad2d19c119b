"""Real gRPC services that an engine would offer, each in this process."""

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from apache_beam.portability.api import (
    beam_job_api_pb2,
    beam_job_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
)


class JobService(beam_job_api_pb2_grpc.JobServiceServicer):
    """Describes one option, and takes no job."""

    def DescribePipelineOptions(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The one option."""
        described = beam_job_api_pb2.PipelineOptionDescriptor(name="maxBundleSize")
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=[described])


class ProvisionService(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    """Knows one worker."""

    def __init__(self) -> None:
        self.asked_by: list[str] = []

    def GetProvisionInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What the worker is to know."""
        self.asked_by.append(dict(context.invocation_metadata())["worker_id"])
        info = beam_provision_api_pb2.ProvisionInfo(runner_capabilities=["a", "b"])
        info.control_endpoint.url = "host:1"
        info.logging_endpoint.url = "host:2"
        info.pipeline_options["beam:option:experiments:v1"] = "x"
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


@contextmanager
def job_service() -> Iterator[str]:
    """A job service for a block; yields its endpoint."""
    with _serving() as (server, endpoint):
        beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(JobService(), server)
        server.start()
        yield endpoint


@contextmanager
def provision_service(service: ProvisionService) -> Iterator[str]:
    """A provision service for a block; yields its endpoint."""
    with _serving() as (server, endpoint):
        beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(service, server)
        server.start()
        yield endpoint


@contextmanager
def _serving() -> Iterator[tuple[Any, str]]:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    port = server.add_insecure_port("localhost:0")
    try:
        yield server, f"localhost:{port}"
    finally:
        server.stop(None).wait()
