"""Starts one Python worker, as an engine's PROCESS environment calls it.

Beam's containers begin with a program that asks the engine what the worker is to know, and hands it
on in variables. Here is that program for machines without containers. A worker that cannot start
ends with a code, which the engine sees; a worker pool would let the job wait for ever.

Usage: `worker.py --id=ID --provision_endpoint=HOST:PORT` (further options are for containers).
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

_TIMEOUT_S = 30.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the worker.

    Args:
        arguments: Words after the program; by default the process's own.
    """
    parser = argparse.ArgumentParser(prog="beam-worker")
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    asked, _ = parser.parse_known_args(arguments)
    variables = worker_variables(asked.id, asked.provision_endpoint)
    os.environ.update(variables)
    os.execv(sys.executable, [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"])


def worker_variables(worker_id: str, provision_endpoint: str) -> Mapping[str, str]:
    """The variables that Beam's worker starts from, as the engine's provision service says.

    Raises:
        grpc.RpcError: The service does not answer.
    """
    import grpc  # noqa: PLC0415 - with Beam below, the slow part of a start that may fail early
    from apache_beam.portability.api import (  # noqa: PLC0415
        beam_provision_api_pb2,
        beam_provision_api_pb2_grpc,
    )
    from google.protobuf import json_format, text_format  # noqa: PLC0415

    with grpc.insecure_channel(provision_endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        own = [("worker_id", worker_id)]
        info = service.GetProvisionInfo(request, metadata=own, timeout=_TIMEOUT_S).info
    variables = {
        "WORKER_ID": worker_id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.logging_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    if info.HasField("status_endpoint"):
        status = text_format.MessageToString(info.status_endpoint)
        variables["STATUS_API_SERVICE_DESCRIPTOR"] = status
    return variables


if __name__ == "__main__":
    main()
