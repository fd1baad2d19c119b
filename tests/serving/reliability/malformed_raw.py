"""Bytes on the gRPC port that are no gRPC: garbage, other protocols, broken HTTP/2."""

import random

from tests.serving.reliability import http2
from tests.serving.reliability.cases import RawCase

_START = http2.PREFACE + http2.SETTINGS
_FRAMES = 10  # types of frames that HTTP/2 has
_CLOSED = frozenset({"closed"})
# HTTP/2 has frames be ignored that it does not know, or that belong to a stream that is over.
_HARMLESS = frozenset({"closed", "ignored"})


def _noise(rng: random.Random) -> RawCase:
    return RawCase("no HTTP/2", b"\xff" + rng.randbytes(rng.randint(30, 500)), _CLOSED)


def _http_1(rng: random.Random) -> RawCase:
    path = rng.choice(["/", "/v1/models/tiny", "/tensorflow.serving.PredictionService/Predict"])
    method = rng.choice(["GET", "POST", "OPTIONS"])
    return RawCase("HTTP/1", f"{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode(), _CLOSED)


def _tls(rng: random.Random) -> RawCase:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(508)
    return RawCase("TLS on the plain gRPC port", hello, _CLOSED)


def _long_frame(rng: random.Random) -> RawCase:
    frame = b"\xff\xff\xff" + bytes((rng.randrange(_FRAMES), 0)) + rng.randbytes(4)
    return RawCase("frame too long", _START + frame, _CLOSED)


def _bad_headers(rng: random.Random) -> RawCase:
    block = rng.randbytes(rng.randint(1, 60))
    frame = http2.frame(http2.HEADERS, 4, 2 * rng.randrange(100), block)
    return RawCase("headers of a wrong stream", _START + frame + http2.ask_for_life(), _HARMLESS)


def _random_frames(rng: random.Random) -> RawCase:
    frames = b"".join(
        http2.frame(
            rng.randrange(256),
            rng.randrange(256),
            rng.randrange(2, 1 << 31),
            rng.randbytes(rng.randint(0, 60)),
        )
        for _ in range(rng.randint(1, 8))
    )
    return RawCase("random frames", _START + frames + http2.ask_for_life(), _HARMLESS)


_KINDS = (_noise, _http_1, _tls, _long_frame, _bad_headers, _random_frames)


def cases(seed: int, count: int) -> list[RawCase]:
    """That many cases, every kind as often as any other."""
    rng = random.Random(seed)
    return [_KINDS[index % len(_KINDS)](rng) for index in range(count)]
