"""Calls as no gRPC client makes them, frame by frame: each is answered, and none fills the log."""

import asyncio
import logging

import pytest

from rankbeam.serving.server import ModelServer
from tests.serving import tiny_models
from tests.serving.reliability import http2
from tests.serving.waiting import NAME

_PREDICTION = "/tensorflow.serving.PredictionService/"
_MODELS = "/tensorflow.serving.ModelService/"
_METHODS = [
    *(_PREDICTION + name for name in ("Predict", "Classify", "Regress", "MultiInference")),
    _PREDICTION + "GetModelMetadata",
    _MODELS + "GetModelStatus",
    _MODELS + "HandleReloadConfigRequest",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
]
_OK, _INTERNAL = "grpc 0", "grpc 13"


def _answer(server: ModelServer, method: str, content: bytes, *fields: tuple[bytes, bytes]) -> str:
    block = http2.header_block(
        [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", method.encode()),
            (b":authority", b"test"),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            *fields,
        ]
    )
    data = http2.PREFACE + http2.SETTINGS + http2.headers(block)
    data += http2.frame(http2.DATA, http2.END_STREAM, http2.STREAM, content)

    async def ask() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(data)
        try:
            return await asyncio.wait_for(http2.read_answer(reader), 10.0)
        finally:
            writer.close()
            await writer.wait_closed()

    return asyncio.run(ask())


def _predict() -> bytes:
    request = tiny_models.predict_request(tiny_models.examples())
    request.model_spec.name = NAME
    return http2.message(request.SerializeToString())


@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\0\0\x09half"])
def test_call_without_a_whole_message_is_answered_internal(
    server: ModelServer, method: str, content: bytes
) -> None:
    assert _answer(server, method, content) == _INTERNAL


@pytest.mark.parametrize("key", [b"x-request-id", b"x-other"])
def test_metadata_that_are_no_text_hurt_neither_the_call_nor_the_log(
    server: ModelServer, caplog: pytest.LogCaptureFixture, key: bytes
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert _answer(server, _METHODS[0], _predict(), (key, b"\xff\xfe\x00")) == _OK
    assert [record for record in caplog.records if _is_complaint(record)] == []


def _is_complaint(record: logging.LogRecord) -> bool:
    # Where a process has had several event loops, as a test run has, gRPC's threads may wake one
    # that finds nothing to read.
    of_several_loops = record.exc_info is not None and record.exc_info[0] is BlockingIOError
    return record.levelno >= logging.WARNING and not of_several_loops
