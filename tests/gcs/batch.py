"""Several requests in one, as a message of several parts."""

import email
import email.policy
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tests.gcs.exchange import Answer, Request, refuse

_MOST = 100


def answer_batch(
    request: Request, answer: Callable[[str, str, dict[str, str], bytes], Answer]
) -> Answer:
    """Answer each request of a batch by itself.

    Args:
        request: The batch.
        answer: Answers a request of it, by method, URL, headers and body.
    """
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message: Any = email.message_from_bytes(head + request.body, policy=email.policy.default)
    parts = list(message.iter_parts())
    if not 0 < len(parts) <= _MOST:
        refuse(400, f"A batch must have 1 to {_MOST} requests; got {len(parts)}")
    answers = []
    for part in parts:
        text = part.get_payload()
        line, _, rest = text.partition("\n")
        method, url, _ = line.split()
        inner: Any = email.message_from_string(rest, policy=email.policy.default)
        body = inner.get_payload().encode()
        given = {name: str(value) for name, value in inner.items()}
        identity = re.sub(r"^<", "<response-", str(part["Content-ID"] or "<>"))
        answers.append(_part(answer(method, url, given, body), identity))
    mark = "batch_of_answers"
    whole = b"".join(b"--" + mark.encode() + b"\r\n" + part for part in answers)
    content = {"Content-Type": f"multipart/mixed; boundary={mark}"}
    return Answer(200, whole + f"--{mark}--\r\n".encode(), content)


def _part(answer: Answer, identity: str) -> bytes:
    lines = [
        "Content-Type: application/http",
        f"Content-ID: {identity}",
        "",
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
        f"Content-Length: {len(answer.body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + answer.body + b"\r\n"
