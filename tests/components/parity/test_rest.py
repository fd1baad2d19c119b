"""The REST client against a server that says what the test wants."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from rankbeam.components.parity.rest import RestClient
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import EnvironmentFault

ROWS = [b"\x00\xff", b"row"]


class Saying(ThreadingHTTPServer):
    """A server with one answer, which keeps what it was asked."""

    status, answer = 200, b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Saying

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Saying]:
    with Saying() as saying:
        thread = threading.Thread(target=saying.serve_forever)
        thread.start()
        try:
            yield saying
        finally:
            saying.shutdown()
            thread.join()


@pytest.fixture
def client(server: Saying) -> Iterator[RestClient]:
    with RestClient(f"127.0.0.1:{server.server_port}", "ads", timeout_s=10.0) as connected:
        yield connected


def test_rest_sends_rows_of_base64_and_reads_rows(server: Saying, client: RestClient) -> None:
    server.answer = (
        b'{"predictions": [{"click": [0.1], "half": 0.05}, {"click": [1e-45], "half": NaN}]}'
    )
    found = client.predict_examples(ROWS, "serving_default", "examples", ["click", "half"])
    np.testing.assert_array_equal(found["click"], np.array([[0.1], [1e-45]], np.float32))
    np.testing.assert_array_equal(found["half"], np.array([0.05, np.nan], np.float32))
    [(path, body)] = server.asked
    assert path == "/v1/models/ads:predict"
    assert body["signature_name"] == "serving_default"
    sent = [base64.b64decode(row["examples"]["b64"]) for row in body["instances"]]
    assert sent == ROWS


def test_rest_single_outputs_come_without_a_name(server: Saying, client: RestClient) -> None:
    server.answer = b'{"predictions": [[0.25], [0.5]]}'
    found = client.predict_examples(ROWS, "serving_default", "examples", ["click"])
    assert {name: values.tolist() for name, values in found.items()} == {"click": [[0.25], [0.5]]}


@pytest.mark.parametrize(
    "answer",
    [
        b"{",
        b"{}",
        b'{"predictions": []}',
        b'{"predictions": [{"click": [0.1]}, {}]}',
        b'{"predictions": [{"click": [0.1]}, {"click": "x"}]}',
        b'{"predictions": [[0.1], [0.1, 0.2]]}',
    ],
)
def test_rest_answers_that_are_no_predictions_are_rejections(
    server: Saying, client: RestClient, answer: bytes
) -> None:
    server.answer = answer
    with pytest.raises(RequestRejected, match="HTTP 200: no list of predictions"):
        client.predict_examples(ROWS, "serving_default", "examples", ["click"])


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (400, RequestRejected, 'HTTP 400: {"error": "no"}'),
        (404, RequestRejected, "HTTP 404"),
        (500, RequestRejected, "HTTP 500"),
        (503, EnvironmentFault, "must answer REST requests; got 503"),
        (504, EnvironmentFault, "must answer REST requests; got 504"),
    ],
)
def test_rest_refusals_and_faults(
    server: Saying, client: RestClient, status: int, kind: type[Exception], message: str
) -> None:
    server.status, server.answer = status, b'{"error": "no"}'
    with pytest.raises(kind, match=message):
        client.predict_examples(ROWS, "serving_default", "examples", ["click"])


def test_rest_server_that_is_away_is_a_fault() -> None:
    with (
        RestClient("127.0.0.1:1", "ads", timeout_s=2.0) as client,
        pytest.raises(EnvironmentFault, match=r"must answer REST requests within 2\.0 s; got Conn"),
    ):
        client.predict_examples(ROWS, "serving_default", "examples", ["click"])
