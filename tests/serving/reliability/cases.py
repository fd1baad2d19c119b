"""What is wrong, where it is sent, and what may come back; no TensorFlow."""

from dataclasses import dataclass
from enum import Enum


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


class End(Enum):
    """How a connection with garbage ends."""

    SERVER = "the server closes it"
    CLIENT = "the client goes away, the server may still be waiting for more"


@dataclass(frozen=True, slots=True)
class RawCase:
    """Bytes on the gRPC port that are no gRPC."""

    kind: str
    data: bytes
    end: End


Case = GrpcCase | HttpCase | RawCase
