"""Requests that are late, long, torn or no HTTP: each gets its answer, and the server stays."""

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from pathlib import Path

import pytest
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.core import ServerCore
from rankbeam.transform.errors import EnvironmentFault
from tests.serving.rest.conftest import Serve
from tests.serving.rest.http_client import MODEL, Api

BODY = b'{"instances": [1.0]}'
PREDICTIONS = {"predictions": [2.5]}
_needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def _post(body: bytes, *headers: str, version: str = "1.1") -> bytes:
    head = "\r\n".join(
        [
            f"POST {MODEL}:predict HTTP/{version}",
            "Host: x",
            f"Content-Length: {len(body)}",
            *headers,
        ]
    )
    return head.encode() + b"\r\n\r\n" + body


def _is_well(api: Api) -> None:
    assert api.post(f"{MODEL}:predict", BODY).json == PREDICTIONS


def _status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


def _error(received: bytes) -> str:
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/json" in head
    text: str = json.loads(body)["error"]
    return text


@pytest.mark.parametrize(
    "sent",
    [
        b"no HTTP at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 20000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: \x00\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_400_in_json(api: Api, sent: bytes) -> None:
    received = api.raw(sent)
    assert _status(received) == 400
    assert _error(received).startswith("Malformed HTTP request: ")
    _is_well(api)


def test_broken_chunks_are_answered_400(api: Api) -> None:
    head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    received = api.raw(head.encode() + b"zz\r\n{}\r\n0\r\n\r\n")
    assert _status(received) == 400
    _is_well(api)


def test_chunks_are_put_together(api: Api) -> None:
    head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    pieces = b"".join(b"%x\r\n%s\r\n" % (1, BODY[at : at + 1]) for at in range(len(BODY)))
    received = api.raw(head.encode() + b"Connection: close\r\n\r\n" + pieces + b"0\r\n\r\n")
    assert _status(received) == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bodies_are_read(api: Api, encoding: str) -> None:
    body = gzip.compress(BODY, mtime=0) if encoding == "gzip" else zlib.compress(BODY)
    reply = api.post(f"{MODEL}:predict", body, Content_Encoding=encoding)
    assert reply.json == PREDICTIONS


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(BODY, mtime=0)[:-9], b"\x1f\x8b" + b"\0" * 20]
)
def test_body_that_is_not_compressed_as_it_says_is_refused(api: Api, body: bytes) -> None:
    reply = api.post(f"{MODEL}:predict", body, Content_Encoding="gzip")
    assert reply.status == 400
    assert reply.error.startswith("The body is not encoded as its headers say: ")
    _is_well(api)


def test_encoding_that_is_not_known_is_refused(api: Api) -> None:
    reply = api.post(f"{MODEL}:predict", BODY, Content_Encoding="br")
    assert (reply.status, reply.error) == (
        415,
        "Content-Encoding must be gzip or deflate; got br",
    )


def test_long_bodies_are_answered_413_however_they_come(serve: Serve) -> None:
    with serve(max_body_bytes=1000) as api:
        announced = api.raw(_post(b" " * 1001))
        assert _status(announced) == 413
        assert _error(announced) == "A body must be at most 1000 bytes long"
        bomb = gzip.compress(b" " * 500_000, mtime=0)
        assert len(bomb) < 1000
        reply = api.post(f"{MODEL}:predict", bomb, Content_Encoding="gzip")
        assert (reply.status, reply.error) == (413, "A body must be at most 1000 bytes long")
        head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless = api.raw(head.encode() + b"400\r\n" + b" " * 1024 + b"\r\n")
        assert _status(endless) == 413
        fits = BODY + b" " * (1000 - len(BODY))
        assert api.post(f"{MODEL}:predict", fits).json == PREDICTIONS


def test_body_that_does_not_arrive_is_answered_408(serve: Serve) -> None:
    with serve(body_timeout_s=0.2) as api:
        received = api.raw(_post(BODY)[:-5])
        assert _status(received) == 408
        assert _error(received) == "The body did not arrive within 0.2 s"
        _is_well(api)


def test_dripping_body_is_answered_408_too(serve: Serve) -> None:
    with (
        serve(body_timeout_s=0.3) as api,
        socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection,
    ):
        connection.sendall(_post(b" " * 1000)[:-1000])
        received = b""
        connection.settimeout(0.02)
        deadline = time.monotonic() + 20
        while not received and time.monotonic() < deadline:
            try:
                connection.sendall(b" ")
                received = connection.recv(65536)
            except TimeoutError:
                continue
        assert _status(received) == 408


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nfoo"])
def test_head_that_does_not_arrive_closes_the_connection(serve: Serve, sent: bytes) -> None:
    with serve(idle_timeout_s=0.2) as api:
        assert api.raw(sent) == b""
        _is_well(api)


def test_idle_connection_is_closed_after_its_answer(serve: Serve) -> None:
    with serve(idle_timeout_s=0.2) as api:
        received = api.raw(_post(BODY))
        assert _status(received) == 200
        assert received.count(b"HTTP/1.1") == 1


def test_clients_that_go_away_leave_the_server_well(api: Api) -> None:
    whole = _post(BODY)
    for length in range(1, len(whole), 7):
        with socket.create_connection(("127.0.0.1", api.port)) as connection:
            connection.sendall(whole[:length])
    _is_well(api)


def test_pipelined_requests_are_answered_in_order(api: Api) -> None:
    requests = [_post(json.dumps({"instances": [value]}).encode()) for value in range(50)]
    last = _post(b'{"instances": [50]}', "Connection: close")
    received = api.raw(b"".join(requests) + last)
    bodies = received.split(b"\r\n\r\n")[1:]
    found = [json.loads(body.partition(b"}")[0] + b"}")["predictions"][0] for body in bodies]
    assert found == [value / 2 + 2 for value in range(51)]


def test_old_http_closes_and_keep_alive_keeps(api: Api) -> None:
    assert _status(api.raw(_post(BODY, version="1.0"))) == 200
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(_post(BODY))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@_needs_curl
def test_curl_sends_what_the_documentation_shows(api: Api, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{api.port}{MODEL}:predict"
    command = ["curl", "-sS", "--max-time", "30", "-d", '{"instances": [1.0, 2.0, 5.0]}', url]
    answered = subprocess.run(command, capture_output=True, check=True).stdout
    assert json.loads(answered) == {"predictions": [2.5, 3.0, 4.5]}
    # Long enough for curl to ask first (Expect: 100-continue).
    document = tmp_path / "long.json"
    document.write_text(json.dumps({"instances": [1.0] * 300_000}))
    command[-2] = f"@{document}"
    asking = [*command, "-v", "-H", "Expect: 100-continue"]
    asked = subprocess.run(asking, capture_output=True, check=True)
    assert json.loads(asked.stdout)["predictions"] == [2.5] * 300_000
    assert b"100 Continue" in asked.stderr


def test_request_whose_time_runs_out_is_answered_504(serve: Serve) -> None:
    with serve(timeout_s=0.05) as api:
        document = {"signature_name": "slow", "instances": [300]}
        reply = api.post(f"{MODEL}:predict", document)
        assert (reply.status, reply.error) == (504, "Deadline exceeded")


def test_requests_under_way_are_answered_before_the_server_stops(
    serve: Serve, core: ServerCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    predict = core.predict

    async def noticed(request: PredictRequest, call: Call) -> PredictResponse:
        begun.set()
        return await predict(request, call)

    monkeypatch.setattr(core, "predict", noticed)
    with serve(timeout_s=0) as api:
        statuses: list[int] = []
        document = {"signature_name": "slow", "instances": [200]}
        asking = threading.Thread(
            target=lambda: statuses.append(api.post(f"{MODEL}:predict", document).status)
        )
        asking.start()
        assert begun.wait(30)
        api.stop(30.0)
        asking.join()
        assert statuses == [200]
        with pytest.raises(ConnectionRefusedError, match="refused"):
            api.get(MODEL)


@_needs_curl
def test_tls_is_spoken_where_there_is_a_context(
    serve: Serve, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with serve(ssl_context=context) as api:
        url = f"https://localhost:{api.port}{MODEL}"
        command = ["curl", "-sS", "--cacert", str(chain), "--ipv4", "--noproxy", "*", url]
        answered = subprocess.run(command, capture_output=True, check=True).stdout
        assert b"AVAILABLE" in answered
        assert b"200 OK" not in api.raw(b"GET / HTTP/1.1\r\n\r\n")


def test_options_turn_cors_on_and_metrics_off(serve: Serve) -> None:
    with serve(cors=True, metrics_path=None) as api:
        assert api.get(MODEL).headers["Access-Control-Allow-Origin"] == "*"
        assert api.get("/monitoring/prometheus/metrics").status == 404


def test_metrics_path_is_a_setting(serve: Serve) -> None:
    with serve(metrics_path="/m") as api:
        assert b"# TYPE" in api.get("/m").body


def test_taken_port_is_an_error(serve: Serve, api: Api) -> None:
    with (
        pytest.raises(EnvironmentFault, match=f"cannot listen on 127.0.0.1:{api.port}: "),
        serve(port=api.port),
    ):
        pass
