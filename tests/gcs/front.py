"""The server's front: HTTP and, as a proxy, HTTPS in the place of Google's hosts."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.gcs.server import GcsServer
from tests.serving.certificates import Authority

# Those that TensorFlow speaks to, whatever its environment says.
_HOSTS = ("storage.googleapis.com", "www.googleapis.com")


class _Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers, also within a tunnel that a client asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    served: GcsServer
    tls: ssl.SSLContext

    def do_CONNECT(self) -> None:
        host = self.path.partition(":")[0]
        if host not in _HOSTS:
            self.send_error(502, f"no way to {host}")
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.connection: Any = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile: Any = self.connection.makefile("rb", -1)
        self.wfile: Any = self.connection.makefile("wb", 0)
        self.close_connection = False

    def _answer(self) -> None:
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        origin = f"{scheme}://{self.headers['Host']}"
        body = self._body()
        answer = self.served.answer(self.command, self.path, dict(self.headers), body, origin)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return bytes(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        content = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(content)

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the one of a tunnel; the server closes the one around it

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def gcs_server(folder: Path) -> Iterator[GcsServer]:
    """The server, up for a block in a thread of its own.

    Args:
        folder: Where the account's key and certificates are kept.
    """
    served = GcsServer()
    authority = Authority("tests of Google's storage")
    tls = authority.sign("google", others=_HOSTS).server(folder, "google")
    (folder / "authority.crt").write_text(authority.certificate)
    handler = type("Handler", (_Handler,), {"served": served, "tls": tls})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.endpoint = f"http://127.0.0.1:{server.server_port}"
    served.account.write(folder / "account.json", served.endpoint)
    served.environment = {
        "STORAGE_EMULATOR_HOST": served.endpoint,
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "account.json"),
        "NO_GCE_CHECK": "true",
        "NO_PROXY": "127.0.0.1",
    }
    served.proxy = {
        "https_proxy": served.endpoint,
        "CURL_CA_BUNDLE": str(folder / "authority.crt"),
    }
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
