"""What is wrong, where it is sent, and what may come back; no TensorFlow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrpcCase:
    """A call that must fail.

    Attributes:
        kind: what is wrong.
        method: gRPC method path.
        data: the message.
        allowed: names of the status codes that are right.
    """

    kind: str
    method: str
    data: bytes
    allowed: frozenset[str]


@dataclass(frozen=True, slots=True)
class HttpCase:
    """A whole HTTP request that must fail.

    Attributes:
        kind: what is wrong.
        data: head and body.
        allowed: the HTTP statuses that are right.
        closes: whether the server closes the connection, since it cannot tell where the next
            request begins; otherwise it is used again.
        cut: whether the request ends in the middle, where the client ends its side: the server may
            close without a word.
    """

    kind: str
    data: bytes
    allowed: frozenset[int]
    closes: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RawCase:
    """Bytes on the gRPC port, on a connection of their own.

    Attributes:
        kind: what is wrong.
        data: all that is sent.
        allowed: what may come back, as `http2.read_answer` says it.
        cut: whether the client ends its side after it.
    """

    kind: str
    data: bytes
    allowed: frozenset[str]
    cut: bool = False


Case = GrpcCase | HttpCase | RawCase
