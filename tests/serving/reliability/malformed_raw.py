"""Bytes on the gRPC port that are no gRPC: garbage, other protocols, half of a handshake."""

import random
import struct

from tests.serving.reliability.cases import End, RawCase

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAMES = 10  # types of frames that HTTP/2 has
_HEADERS = 1
_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    head = struct.pack(">I", len(content))[1:] + bytes((kind, flags))
    return head + struct.pack(">I", stream) + content


def _noise(rng: random.Random) -> RawCase:
    return RawCase("no HTTP/2", b"\xff" + rng.randbytes(rng.randint(30, 500)), End.SERVER)


def _http_1(rng: random.Random) -> RawCase:
    path = rng.choice(["/", "/v1/models/tiny", "/tensorflow.serving.PredictionService/Predict"])
    method = rng.choice(["GET", "POST", "OPTIONS"])
    return RawCase("HTTP/1", f"{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode(), End.SERVER)


def _tls(rng: random.Random) -> RawCase:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(508)
    return RawCase("TLS on the plain gRPC port", hello, End.SERVER)


def _long_frame(rng: random.Random) -> RawCase:
    frame = b"\xff\xff\xff" + bytes((rng.randrange(_FRAMES), 0)) + rng.randbytes(4)
    return RawCase("frame too long", _PREFACE + _SETTINGS + frame, End.SERVER)


def _bad_headers(rng: random.Random) -> RawCase:
    frame = _frame(_HEADERS, 4, 2 * rng.randrange(100), rng.randbytes(rng.randint(1, 60)))
    return RawCase("headers of a wrong stream", _PREFACE + _SETTINGS + frame, End.CLIENT)


def _random_frames(rng: random.Random) -> RawCase:
    frames = b"".join(
        _frame(
            rng.randrange(256),
            rng.randrange(256),
            rng.randrange(1 << 31),
            rng.randbytes(rng.randint(0, 60)),
        )
        for _ in range(rng.randint(1, 8))
    )
    return RawCase("random frames", _PREFACE + _SETTINGS + frames, End.CLIENT)


def _half_preface(rng: random.Random) -> RawCase:
    return RawCase("half a preface", _PREFACE[: rng.randrange(len(_PREFACE))], End.CLIENT)


_KINDS = (_noise, _http_1, _tls, _long_frame, _bad_headers, _random_frames, _half_preface)


def cases(seed: int, count: int) -> list[RawCase]:
    """That many cases, every kind as often as any other."""
    rng = random.Random(seed)
    return [_KINDS[index % len(_KINDS)](rng) for index in range(count)]
