"""Thousands of requests with random damage: every one answered or closed, none with a 500."""

import json
import random
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serving.rest.http_client import MODEL, Api

COUNT = 3000
ALLOWED = {200, 400, 404, 408, 413, 415, 417, 501}


def _request(draw: random.Random) -> bytes:
    signature, values = draw.choice(
        [
            ("", [1.5, 2]),
            ("named", [{"pair": [1, 2], "number": 3}]),
            ("strings", ["é", {"b64": "AP8="}]),
        ]
    )
    layout = draw.choice(["instances", "inputs"])
    body = json.dumps({"signature_name": signature, layout: values}).encode()
    what = draw.choice(["predict", "predict", "predict", "classify", "regress"])
    head = f"POST {MODEL}:{what} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _damaged(draw: random.Random, sent: bytes) -> bytes:
    pieces = bytearray(sent)
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(pieces))
        kind = draw.randrange(4)
        if kind == 0:
            pieces[at] = draw.randrange(256)
        elif kind == 1:
            del pieces[at : at + draw.randrange(1, 9)]
        elif kind == 2:
            pieces[at:at] = draw.randbytes(draw.randrange(1, 9))
        else:
            pieces[at:at] = draw.choice([b"[", b"{", b'"', b"\r\n", b"NaN", b"1e999", b"\\u", b","])
    return bytes(pieces)


def _answer(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        connection.settimeout(0.5)
        try:
            return connection.recv(65536)
        except TimeoutError:  # the damage made the request longer than what was sent
            return b""
        except ConnectionResetError:
            return b""


@pytest.mark.slow
def test_random_damage_is_answered_with_the_right_kind_of_error(api: Api) -> None:
    draw = random.Random(4)
    seen: Counter[int] = Counter()
    requests = [_damaged(draw, _request(draw)) for _ in range(COUNT)]
    with ThreadPoolExecutor(32) as clients:
        answers = list(clients.map(lambda sent: _answer(api.port, sent), requests))
    for received in answers:
        if not received:
            seen[0] += 1
            continue
        head, _, body = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        seen[status] += 1
        assert status in ALLOWED, received
        if status != 200:
            assert list(json.loads(body)) == ["error"], received
    assert seen[400] > COUNT / 2
    assert seen[0] < COUNT / 3
    assert api.post(f"{MODEL}:predict", {"instances": [1]}).json == {"predictions": [2.5]}
