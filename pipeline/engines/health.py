"""Whether Beam's job service, and Flink's task managers, answer."""

import json
import socket
import urllib.error
import urllib.request
from typing import Any

import grpc

# The service's method by name, with bytes in and out: Beam's own stubs take seconds to import.
_METHOD = "/org.apache.beam.model.job_management.v1.JobService/DescribePipelineOptions"


def job_service_fault(endpoint: str, timeout_s: float) -> str | None:
    """Why `endpoint` is no Beam job service that answers; None where it is one."""
    with grpc.insecure_channel(endpoint) as channel:
        call = channel.unary_unary(_METHOD, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(b"", timeout=timeout_s, wait_for_ready=False)
        except grpc.RpcError as error:
            code = error.code()
            if code is grpc.StatusCode.UNAVAILABLE:
                return "nothing listens there"
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                return f"no answer within {timeout_s:g} s"
            return f"something else answers there ({code.name}: {error.details()})"
    return None


def task_managers(web_port: int, timeout_s: float) -> int | None:
    """Task managers that are registered at Flink's REST service; None where it does not answer."""
    try:
        with urllib.request.urlopen(
            f"http://localhost:{web_port}/overview", timeout=timeout_s
        ) as answer:
            overview: dict[str, Any] = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return int(overview["taskmanagers"])


def is_free(port: int) -> bool:
    """Whether nothing listens at a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) != 0
