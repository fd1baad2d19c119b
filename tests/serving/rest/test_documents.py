"""JSON text to documents: what is taken beyond the standard, what is refused, and how."""

import json
import math
import random
import threading
import time

import pytest

from rankbeam.serving.rest import documents
from rankbeam.serving.status import Refusal


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b' \r\n\t{"a": [1.5, -2e3, true, null, "x"]} ', {"a": [1.5, -2000.0, True, None, "x"]}),
        (b'\xef\xbb\xbf{"a": "\xe2\x82\xac"}', {"a": "€"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": 1} and what follows is ignored', {"a": 1}),
        (b'{"a": -Infinity}', {"a": -math.inf}),
        (b"{}", {}),
    ],
)
def test_document_is_parsed(body: bytes, expected: object) -> None:
    assert documents.parse(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b" \n ", "JSON Parse error: The document is empty"),
        (b"\xef\xbb\xbf", "JSON Parse error: The document is empty"),
        (b"no", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{"a": }', "JSON Parse error: Invalid value. at offset: 6"),
        (b"{a: 1}", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at of"),
        (b'{"a": 1', "JSON Parse error: Missing a comma or } or ] after a member or an element."),
        (b'{"a": [1 2]}', "JSON Parse error: Missing a comma or } or ] after a member or an elem"),
        (b'{"a": "x', "JSON Parse error: Missing a closing quotation mark in string. at offset: 6"),
        (b'{"a": "\x01"}', "JSON Parse error: Invalid encoding in string. at offset: 7"),
        (b'{"a": "\xff"}', "JSON Parse error: Invalid encoding in string. at offset: 7"),
        (
            b'{"\xc3\xa9": "\\x"}',
            "JSON Parse error: Invalid escape character in string. at offset: ",
        ),
        (b'{"a": "\\u12g4"}', "JSON Parse error: Incorrect hex digit after \\u escape in string."),
        (b'{"a": 1, "b": 2, "a": 3}', 'JSON Parse error: Key "a" stands twice in an object.'),
        (
            b'{"a": ' + b"9" * 5000 + b"}",
            "JSON Parse error: Number too big to be stored in double.",
        ),
        (b"[" * 100_000, "JSON Parse error: Nested too deeply."),
        (b'{"a":' * 100_000, "JSON Parse error: Nested too deeply."),
        (b"[1, 2]", "JSON Value: [1, 2] Is not object"),
        (b'"' + b"x" * 9999 + b'"', 'JSON Value: "xxx'),
        (b"null", "JSON Value: null Is not object"),
    ],
)
def test_what_is_no_document_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Refusal, match="INVALID_ARGUMENT") as raised:
        documents.parse(body)
    assert raised.value.message.startswith(message)
    assert len(raised.value.message) < 500


def test_offsets_count_bytes() -> None:
    with pytest.raises(Refusal, match="at offset: 10"):
        documents.parse('{"é€": x}'.encode())


@pytest.mark.parametrize("value", ["x" * 10**6, list(range(10**6)), {"a": [[["y" * 10**5]]]}])
def test_long_values_are_shown_short(value: object) -> None:
    text = documents.shown(value)
    assert len(text) == 256
    assert json.dumps(value).startswith(text)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "Null"),
        (True, "True"),
        (False, "False"),
        (1, "Number"),
        (1.5, "Number"),
        ("", "String"),
        ([], "Array"),
        ({}, "Object"),
    ],
)
def test_kind_names_json_types(value: object, kind: str) -> None:
    assert documents.kind(value) == kind


def _random_value(draw: random.Random, depth: int = 0) -> object:
    kind = draw.randrange(8 if depth < 4 else 6)
    if kind == 6:
        return [_random_value(draw, depth + 1) for _ in range(draw.randrange(4))]
    if kind == 7:
        return {str(key): _random_value(draw, depth + 1) for key in range(draw.randrange(4))}
    return [
        draw.randrange(-(2**70), 2**70),
        draw.uniform(-1, 1) * 10.0 ** draw.randrange(-300, 300),
        "".join(chr(draw.randrange(0xD800)) for _ in range(draw.randrange(9))),
        None,
        True,
        False,
    ][kind]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("escaped", [True, False])
def test_random_documents_come_back(seed: int, escaped: bool) -> None:
    draw = random.Random(seed)
    document = {str(key): _random_value(draw) for key in range(20)}
    assert documents.parse(json.dumps(document, ensure_ascii=escaped).encode()) == document


def test_random_damage_is_refused_or_parsed_but_never_breaks() -> None:
    draw = random.Random(0)
    whole = bytearray(json.dumps({"instances": [{"a": [1.5, "é", None]}] * 5}).encode())
    refused = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(draw.randrange(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            documents.parse(bytes(damaged[: draw.randrange(1, len(damaged) + 1)]))
        except Refusal:
            refused += 1
    assert refused > 1000


def test_long_documents_let_other_threads_run() -> None:
    body = json.dumps({"inputs": [index / 7 for index in range(400_000)]}).encode()
    turns = 0
    done = threading.Event()

    def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            time.sleep(0)

    other = threading.Thread(target=count)
    other.start()
    before = turns
    documents.parse(body)
    during = turns - before
    done.set()
    other.join()
    assert during > 3  # the plain parser holds the interpreter: it gives none or one
