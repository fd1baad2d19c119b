"""HTTP by the standard library, and by sockets where the request is to be wrong."""

import http.client
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NAME = "json"
MODEL = f"/v1/models/{NAME}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error."""
        assert list(self.json) == ["error"]
        text: str = self.json["error"]
        return text


@dataclass(frozen=True, slots=True)
class Api:
    """A started front.

    Attributes:
        port: its port.
        stop: stops it, with seconds to drain.
    """

    port: int
    stop: Callable[[float], None]

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request on a connection of its own; `_` in headers' names stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            found = connection.getresponse()
            return Reply(found.status, dict(found.getheaders()), found.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """A GET."""
        return self.call("GET", path, None, **headers)

    def post(self, path: str, document: object, **headers: str) -> Reply:
        """A POST of a document, or of bytes as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.call("POST", path, body, **headers)

    def predict(self, signature: str, **document: object) -> Reply:
        """A `:predict` of one signature."""
        return self.post(f"{MODEL}:predict", {"signature_name": signature, **document})

    def raw(self, sent: bytes, timeout_s: float = 20.0) -> bytes:
        """Whatever comes back for these bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s) as connection:
            connection.sendall(sent)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received
