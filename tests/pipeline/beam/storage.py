"""A server that speaks as much of Google Cloud Storage's REST API as asks for a bucket."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

_STATUS = {"here": 200, "forbidden": 403}


class _Storage(BaseHTTPRequestHandler):
    """Knows the buckets of `_STATUS`."""

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        status = _STATUS.get(name, 404)
        body = json.dumps({"name": name, "error": {"message": f"status {status}"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Google's storage for a block: the buckets `here` and, to nobody open, `forbidden`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Storage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
