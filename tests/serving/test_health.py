"""Health and reflection, asked with the stock stubs."""

import queue
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from tests.serving.waiting import NAME, wait_until

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as connected:
        yield connected


def _check(channel: grpc.Channel, service: str) -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=10).status)


class _Watch:
    """The answers of one Watch call, as they come."""

    def __init__(self, channel: grpc.Channel, service: str) -> None:
        request = health_pb2.HealthCheckRequest(service=service)
        self._call = health_pb2_grpc.HealthStub(channel).Watch(request)
        self._seen: queue.Queue[int] = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for answer in self._call:
                self._seen.put(answer.status)
        except grpc.RpcError:
            return  # the call was cancelled, or the server has ended

    def next(self) -> int:
        """The next state; waits for it."""
        return self._seen.get(timeout=30)

    def end(self) -> None:
        """Stops watching."""
        self._call.cancel()
        self._thread.join(30)


@pytest.mark.parametrize("service", ["", NAME])
def test_health_of_a_served_model_and_of_the_server(channel: grpc.Channel, service: str) -> None:
    wait_until(lambda: _check(channel, "") == SERVING)
    assert _check(channel, service) == SERVING


def test_health_of_an_unknown_service_is_not_found(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        _check(channel, "nobody")


def test_health_watch_of_an_unknown_service_says_so(channel: grpc.Channel) -> None:
    watch = _Watch(channel, "nobody")
    assert watch.next() == UNKNOWN
    watch.end()


def test_health_watch_tells_of_the_load_and_of_the_drain(tmp_path: Path, saved_model: Path) -> None:
    (tmp_path / "base").mkdir()
    options = ServerOptions((ModelSettings(NAME, tmp_path / "base"),), port=0, poll_wait_s=0.05)
    server = ModelServer(options)
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:

            def known() -> bool:
                try:
                    return bool(_check(channel, NAME) == NOT_SERVING)
                except grpc.RpcError:
                    return False  # before the first look

            wait_until(known)
            watches = [_Watch(channel, service) for service in ("", NAME)]
            assert [watch.next() for watch in watches] == [NOT_SERVING, NOT_SERVING]
            shutil.copytree(saved_model, tmp_path / "new")
            (tmp_path / "new").rename(tmp_path / "base" / "1")
            assert [watch.next() for watch in watches] == [SERVING, SERVING]
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            assert [watch.next() for watch in watches] == [NOT_SERVING, NOT_SERVING]
            for watch in watches:
                watch.end()
            stopping.join()
    finally:
        server.stop()


def test_health_can_be_switched_off(tmp_path: Path) -> None:
    options = ServerOptions((ModelSettings(NAME, tmp_path),), port=0, health_service=False)
    with (
        ModelServer(options) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"),
    ):
        _check(channel, "")


def test_reflection_lists_the_services_and_describes_predict(channel: grpc.Channel) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="tensorflow.serving.PredictionService"
        ),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tensorflow.Nothing"),
    ]
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    services, file, missing = stub.ServerReflectionInfo(iter(asked), timeout=10)
    assert {row.name for row in services.list_services_response.service} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    }
    described = [
        descriptor_pb2.FileDescriptorProto.FromString(data)
        for data in file.file_descriptor_response.file_descriptor_proto
    ]
    methods = {
        method.name for each in described for service in each.service for method in service.method
    }
    assert {"Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"} <= methods
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
