"""Calls of Predict with metadata that are wrong, or with half a message; as HTTP/2 frames.

The requests themselves are right: only what is wrong about the call can fail it. What may come back
is what gRPC's core says, which TensorFlow Serving stands on too. Imports TensorFlow, for requests.
"""

import random
import string
from collections.abc import Callable

from tests.serving.reliability import http2
from tests.serving.reliability.cases import RawCase
from tests.serving.reliability.valid_requests import PREDICT, predict

Fields = list[tuple[bytes, bytes]]

_START = http2.PREFACE + http2.SETTINGS
_MESSAGE = http2.message(predict().SerializeToString())
_FIELDS: Fields = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", PREDICT.encode()),
    (b":authority", b"test"),
    (b"te", b"trailers"),
    (b"content-type", b"application/grpc"),
]
_OK = frozenset({"grpc 0"})
# UNKNOWN or INTERNAL, or the stream's PROTOCOL_ERROR or INTERNAL_ERROR.
_NO_CALL = frozenset({"grpc 2", "grpc 13", "reset 1", "reset 2"})
_NO_STREAM = frozenset({"grpc 14", "closed"})  # UNAVAILABLE, since the connection is given up
# The same, or INTERNAL of that call alone, from newer versions of gRPC.
_NO_HEADERS = _NO_STREAM | {"grpc 13"}
# RESOURCE_EXHAUSTED, the stream's ENHANCE_YOUR_CALM, or taken: gRPC decides, some by chance.
_TOO_LARGE = frozenset({"grpc 0", "grpc 8", "reset 11"})
_NO_METHOD = frozenset({"grpc 12"})
_NO_MESSAGE = frozenset({"grpc 13"})
_LATE = frozenset({"grpc 4"})
_DEADLINES = (b"20m", b"50m", b"50000u")

Make = Callable[[random.Random], RawCase]


def _word(rng: random.Random) -> bytes:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(1, 12))).encode()


def _call(kind: str, fields: Fields, allowed: frozenset[str], content: bytes = _MESSAGE) -> RawCase:
    begun = http2.headers(http2.header_block(fields))
    rest = http2.frame(http2.DATA, http2.END_STREAM, http2.STREAM, content)
    return RawCase(kind, _START + begun + rest, allowed)


def _replaced(name: bytes, value: bytes) -> Fields:
    return [(key, value if key == name else found) for key, found in _FIELDS]


def _lacking(rng: random.Random) -> RawCase:
    name = rng.choice([b":method", b":scheme", b":path", b":authority", b"te"])
    fields = [field for field in _FIELDS if field[0] != name]
    return _call("metadata that lack a field", fields, _NO_CALL)


def _wrong_field(rng: random.Random) -> RawCase:
    fields = rng.choice(
        [
            _replaced(b":method", rng.choice([b"GET", b"PUT", _word(rng)])),
            _replaced(b":scheme", b"x" + _word(rng)),
            _replaced(b"te", b"x" + _word(rng)),
            [(b":" + _word(rng) + b"x", _word(rng)), *_FIELDS],
        ]
    )
    return _call("metadata with a wrong field", fields, _NO_CALL)


def _wrong_path(rng: random.Random) -> RawCase:
    path = rng.choice([b"", _word(rng), b"/", b"/" + _word(rng), PREDICT.encode() + b"/"])
    return _call("wrong path", _replaced(b":path", path), _NO_METHOD)


def _no_name(rng: random.Random) -> RawCase:
    name = _word(rng)
    wrong = rng.choice([b"X" + name, name + b" " + name, b"", name + b"\x01", b"(" + name])
    return _call("metadata names that are none", [*_FIELDS, (wrong, b"1")], _NO_CALL)


def _broken_value(rng: random.Random) -> RawCase:
    field = rng.choice(
        [
            (_word(rng) + b"-bin", b"*" + _word(rng)),
            (b"grpc-timeout", rng.choice([_word(rng), b"", b"-5S", b"5", b"1.5S", b"5 parsecs"])),
            (b"grpc-encoding", b"x" + _word(rng)),
        ]
    )
    return _call("broken metadata values", [*_FIELDS, field], _NO_CALL)


def _large(rng: random.Random) -> RawCase:
    """Beyond the 16 KB that the server announces."""
    fields = [*_FIELDS, (b"x-" + _word(rng), b"a" * rng.randint(20_000, 200_000))]
    if rng.random() < 0.5:
        fields = [*_FIELDS, *((b"x-" + _word(rng), b"a" * 100) for _ in range(1000))]
    return RawCase("metadata too large", _large_block(fields), _TOO_LARGE)


def _large_block(fields: Fields) -> bytes:
    """A block in frames of 16 KB, which none may exceed, and the message."""
    block, most = http2.header_block(fields), 1 << 14
    pieces = [block[at : at + most] for at in range(0, len(block), most)]
    frames = [
        http2.frame(
            http2.CONTINUATION if number else http2.HEADERS,
            http2.END_HEADERS if number == len(pieces) - 1 else 0,
            http2.STREAM,
            piece,
        )
        for number, piece in enumerate(pieces)
    ]
    message = http2.frame(http2.DATA, http2.END_STREAM, http2.STREAM, _MESSAGE)
    return _START + b"".join(frames) + message


def _odd_but_taken(rng: random.Random) -> RawCase:
    """What gRPC overlooks, or knows nothing of; whatever is in it must not hurt anybody."""
    fields = [
        *_FIELDS,
        rng.choice(
            [
                (b"x-request-id", rng.choice([b"\xff\x00", b"a" * 5000, b"", b"\r\n", b"' or 1"])),
                (b"x-request-id-bin", b"AAAA"),
                (b"x-" + _word(rng), rng.randbytes(rng.randint(1, 100))),
                (b"content-length", b"3"),
                (b"grpc-timeout", b"99999999999S"),
            ]
        ),
    ]
    return _call("odd metadata that gRPC takes", fields, _OK)


def _broken_block(rng: random.Random) -> RawCase:
    whole = http2.header_block(_FIELDS)
    block = rng.choice(
        [
            b"\xff\xff\xff\x7f",  # an index beyond the table
            b"\x3f\xff\xff\x7f",  # a table larger than allowed
            b"\x00\x7f",  # a name that ends in its length
            whole[: rng.randrange(1, 9)],
        ]
    )
    data = _START + http2.headers(block) + http2.ask_for_life()
    return RawCase("broken header block", data, _NO_HEADERS)


def _half_message(rng: random.Random) -> RawCase:
    """The client says that this was all."""
    content = _MESSAGE[: rng.randrange(len(_MESSAGE))]
    if rng.random() < 0.2:
        content = b"\x00\x00\x0f\xff\xff" + _MESSAGE
    return _call("half a message, and no more to come", _FIELDS, _NO_MESSAGE, content)


def _half_and_gone(rng: random.Random) -> RawCase:
    """The client goes away in the middle of the headers or of the message."""
    begun = http2.headers(http2.header_block(_FIELDS))
    whole = begun + http2.frame(http2.DATA, 0, http2.STREAM, _MESSAGE)
    data = _START + whole[: rng.randrange(1, len(whole))]
    return RawCase("half-sent call, client gone", data, _NO_STREAM, cut=True)


def _half_and_silent(rng: random.Random) -> RawCase:
    """The rest of the message does not come before the deadline."""
    fields = [*_FIELDS, (b"grpc-timeout", rng.choice(_DEADLINES))]
    content = _MESSAGE[: rng.randrange(len(_MESSAGE))]
    data = http2.headers(http2.header_block(fields))
    data += http2.frame(http2.DATA, 0, http2.STREAM, content)
    return RawCase("half-sent call, deadline passed", _START + data, _LATE)


def _packed_garbage(rng: random.Random) -> RawCase:
    """A message that is said to be compressed, and is not."""
    fields = [*_FIELDS, (b"grpc-encoding", rng.choice([b"gzip", b"deflate"]))]
    content = http2.message(b"\xff" + rng.randbytes(rng.randint(1, 200)), compressed=1)
    return _call("garbage for a compressed message", fields, _NO_MESSAGE, content)


_KINDS: tuple[Make, ...] = (
    _lacking,
    _wrong_field,
    _wrong_path,
    _no_name,
    _broken_value,
    _large,
    _odd_but_taken,
    _broken_block,
    _half_message,
    _half_and_gone,
    _half_and_silent,
    _packed_garbage,
)

BEGUN = http2.headers(http2.header_block([*_FIELDS, (b"grpc-timeout", b"1S")]))
"""A call that has a second for its message."""


def cases(seed: int, count: int) -> list[RawCase]:
    """That many cases, every kind as often as any other."""
    rng = random.Random(seed)
    return [_KINDS[index % len(_KINDS)](rng) for index in range(count)]
