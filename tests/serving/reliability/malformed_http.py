"""HTTP requests that are wrong, by kind; seeded, and without any JSON library's help."""

import gzip
import json
import random
import string
from collections.abc import Callable

from tests.serving.reliability.cases import HttpCase
from tests.serving.waiting import NAME

_PREDICT = f"/v1/models/{NAME}:predict"
_BAD = frozenset({400})
_GOOD_BODY = b'{"signature_name": "raw_tensors", "inputs": {"user": [["ada"]], "age": [[3]], '
_GOOD_BODY += b'"price": [[0.5]], "tags": [["x", "y"]]}}'
_DEEPEST = 20_000

Make = Callable[[random.Random], HttpCase]


def _request(
    body: bytes, path: str = _PREDICT, method: str = "POST", headers: tuple[str, ...] = ()
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _document(value: object) -> bytes:
    return _request(json.dumps(value).encode())


def _word(rng: random.Random, letters: str = string.ascii_lowercase) -> str:
    return "".join(rng.choices(letters, k=rng.randint(1, 12)))


def _random_body(rng: random.Random) -> HttpCase:
    return HttpCase("random body", _request(b"\xff" + rng.randbytes(rng.randint(0, 300))), _BAD)


def _truncated_json(rng: random.Random) -> HttpCase:
    body = _GOOD_BODY[: rng.randrange(len(_GOOD_BODY))]
    return HttpCase("truncated JSON", _request(body), _BAD)


def _mutated_json(rng: random.Random) -> HttpCase:
    body = bytearray(_GOOD_BODY)
    for _ in range(rng.randint(1, 6)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return HttpCase("mutated JSON", _request(bytes(body)), frozenset({200, 400}))


def _deep_json(rng: random.Random) -> HttpCase:
    opening = rng.choice([b"[", b'{"a":', b'[{"":'])
    nested = opening * rng.randint(2, _DEEPEST)
    head = rng.choice([b"", b'{"instances": ', b'{"inputs": {"examples": '])
    return HttpCase("deep JSON", _request(head + nested), _BAD)


def _wrong_document(rng: random.Random) -> HttpCase:
    word, number = _word(rng), rng.randint(-(10**6), 10**6)
    value: object = rng.choice(
        [
            number,
            word,
            None,
            [number],
            {},
            {word: number},
            {"instances": number},
            {"instances": word},
            {"instances": []},
            {"instances": [{}]},
            {"instances": [{word: 1}]},
            {"instances": [number]},
            {"instances": [[word], word]},
            {"instances": [{"b64": word + "!"}]},
            {"instances": [word], "inputs": [word]},
            {"signature_name": number, "instances": [word]},
            {"signature_name": word, "instances": [word]},
            {"signature_name": "raw_tensors", "instances": [{"user": [word]}]},
            {"signature_name": "raw_tensors", "inputs": {"user": number}},
            {"signature_name": "slow", "inputs": word},
            {"inputs": {"examples": {word: word}}},
            {"inputs": {"examples": [[[word]]]}},
        ]
    )
    return HttpCase("wrong document", _document(value), _BAD)


def _wrong_number(rng: random.Random) -> HttpCase:
    number = rng.choice(["1e999", "-1e999", "9" * 400, "1.5", '"7"', "NaN", "true", "9" * 5000])
    body = _GOOD_BODY.replace(b"[[3]]", b"[[" + number.encode() + b"]]")
    return HttpCase("wrong number", _request(body), _BAD)


def _ragged(rng: random.Random) -> HttpCase:
    rows = [[1] * rng.randint(1, 3) for _ in range(3)] + [[1] * 4]
    body = _GOOD_BODY.replace(b"[[3]]", json.dumps(rows).encode())
    return HttpCase("ragged rows", _request(body), _BAD)


def _no_text(rng: random.Random) -> HttpCase:
    broken = rng.choice([b"\x80", b"\xc3(", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xff\xfe"])
    body = _GOOD_BODY.replace(b"ada", broken + _word(rng).encode())
    return HttpCase("invalid UTF-8", _request(body), _BAD)


def _other_model(rng: random.Random) -> HttpCase:
    path = rng.choice(
        [
            f"/v1/models/x{_word(rng)}:predict",
            f"/v1/models/{NAME}/versions/{rng.randint(2, 2**63 - 1)}:predict",
        ]
    )
    return HttpCase("unknown model or version", _request(_GOOD_BODY, path), frozenset({404}))


def _other_label(rng: random.Random) -> HttpCase:
    path = f"/v1/models/{NAME}/labels/{_word(rng)}:{rng.choice(['predict', 'regress'])}"
    return HttpCase("unknown label", _request(_GOOD_BODY, path), _BAD)


def _malformed_path(rng: random.Random) -> HttpCase:
    path = "/v1/" + rng.choice(
        [
            f"models/{NAME}/versions/{'9' * rng.randint(20, 400)}:predict",
            f"models/{NAME}:{_word(rng)}x",
            f"models/{NAME}",
            f"{_word(rng)}",
            f"models/%ff%fe{_word(rng)}:predict",
            f"models/{NAME}/versions/{_word(rng)}:predict",
            f"models/{NAME}:predict?{_word(rng)}",
        ]
    )
    return HttpCase("malformed path", _request(_GOOD_BODY, path), _BAD)


def _outside_api(rng: random.Random) -> HttpCase:
    path = f"/{rng.choice(['', 'v2/', '../', 'monitoring/', '%2e%2e/'])}{_word(rng)}"
    return HttpCase("path outside the API", _request(_GOOD_BODY, path), frozenset({404}))


def _wrong_method(rng: random.Random) -> HttpCase:
    method = rng.choice(["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "GET", "OPTIONS"])
    return HttpCase("wrong method", _request(_GOOD_BODY, method=method), _BAD)


def _wrong_inference(rng: random.Random) -> HttpCase:
    what = rng.choice(["classify", "regress"])
    value = rng.choice(
        [
            {"examples": []},
            {"examples": [_word(rng)]},
            {"examples": [{"age": {}}]},
            {"examples": [{"age": [1, "x"]}]},
            {"signature_name": _word(rng), "examples": [{"age": 1}]},
            {"signature_name": "raw_tensors", "examples": [{"age": 1}]},
            {"context": 3, "examples": [{}]},
            {},
        ]
    )
    data = _request(json.dumps(value).encode(), f"/v1/models/{NAME}:{what}")
    return HttpCase("wrong classify or regress", data, _BAD)


def _wrong_encoding(rng: random.Random) -> HttpCase:
    encoding = rng.choice(["gzip", "deflate", "br", "zstd", _word(rng)])
    packed = gzip.compress(_GOOD_BODY)
    body = rng.choice([_GOOD_BODY, packed[: rng.randrange(1, len(packed) - 8)], b"\x1f\x8b"])
    data = _request(body, headers=(f"Content-Encoding: {encoding}",))
    return HttpCase("wrong encoding", data, frozenset({400, 415}), closes=True)


def _too_long(rng: random.Random) -> HttpCase:
    length = rng.randint(1 << 29, 1 << 60)
    head = f"POST {_PREDICT} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
    return HttpCase("announced too long", head.encode(), frozenset({413}), closes=True)


def _too_long_sent(rng: random.Random) -> HttpCase:
    length = rng.randint(1 << 29, 1 << 60)
    head = f"POST {_PREDICT} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
    sent = head.encode() + b"[" * rng.randint(1, 1 << 17)
    return HttpCase("oversized, while it is sent", sent, frozenset({413}), closes=True)


def _bad_head(rng: random.Random) -> HttpCase:
    word = _word(rng)
    head = rng.choice(
        [
            word,
            f"{word} {word} {word}",
            f"GET / HTTP/{rng.randint(3, 99)}.{rng.randint(0, 9)}",
            f"{word.upper()}X {_PREDICT} HTTP/1.1",
            f"POST {_PREDICT} HTTP/1.1\r\nContent-Length: {word}",
            f"POST {_PREDICT} HTTP/1.1\r\nContent-Length: -{rng.randint(1, 99)}",
            f"POST {_PREDICT} HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4",
            f"POST {_PREDICT} HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
            f"POST {_PREDICT} HTTP/1.1\r\n{word}",
            f"POST {_PREDICT} HTTP/1.1\r\n: {word}",
            f"GET /{'a' * rng.randint(9000, 20000)} HTTP/1.1",
            f"GET / HTTP/1.1\r\n{word}: {'a' * rng.randint(9000, 20000)}",
            f"GET / HTTP/1.1\r\n{word}: \x00",
        ]
    )
    return HttpCase("bad head", head.encode() + b"\r\n\r\n", _BAD, closes=True)


def _tls(rng: random.Random) -> HttpCase:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(400) + b"\r\n\r\n"
    return HttpCase("TLS on the plain port", hello, _BAD, closes=True)


def _noise(rng: random.Random) -> HttpCase:
    data = b"\x00" + rng.randbytes(rng.randint(1, 2000)) + b"\r\n\r\n"
    return HttpCase("random bytes", data, _BAD, closes=True)


def _broken_chunks(rng: random.Random) -> HttpCase:
    head = f"POST {_PREDICT} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = rng.choice(["zz\r\n", "-1\r\n", "5\r\n1234567\r\n", f"{'f' * 40}\r\n"])
    return HttpCase("broken chunks", (head + chunk + "\r\n").encode(), _BAD, closes=True)


def _half_sent(rng: random.Random) -> HttpCase:
    whole = _request(_GOOD_BODY)
    return HttpCase("half-sent", whole[: rng.randrange(1, len(whole))], _BAD, closes=True, cut=True)


KEPT: tuple[Make, ...] = (
    _random_body,
    _truncated_json,
    _mutated_json,
    _wrong_document,
    _wrong_number,
    _ragged,
    _no_text,
    _other_model,
    _other_label,
    _malformed_path,
    _outside_api,
    _wrong_method,
    _wrong_inference,
)
"""Kinds after which the connection is used again."""

CLOSING: tuple[Make, ...] = (
    _deep_json,
    _wrong_encoding,
    _too_long,
    _too_long_sent,
    _bad_head,
    _tls,
    _noise,
    _broken_chunks,
    _half_sent,
)
"""Kinds that cost a connection, or much time."""


def cases(seed: int, kept: int, closing: int) -> list[HttpCase]:
    """That many cases, every kind as often as any other of its group."""
    rng = random.Random(seed)
    found = [KEPT[index % len(KEPT)](rng) for index in range(kept)]
    return found + [CLOSING[index % len(CLOSING)](rng) for index in range(closing)]
