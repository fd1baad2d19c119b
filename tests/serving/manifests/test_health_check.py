"""Compose's health check, run by a real bash against a real port."""

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rankbeam.serving.manifests.compose import compose_file
from tests.serving.manifests.plans import OUTPUT, plan
from tests.serving.manifests.schemas import documents


def _script(port: int) -> list[str]:
    (document,) = documents(compose_file(plan(), OUTPUT))
    command = document["services"]["serving"]["healthcheck"]["test"][1:]
    return [word.replace("127.0.0.1/8501", f"127.0.0.1/{port}") for word in command]


@contextmanager
def _server(state: str) -> Iterator[int]:
    class Status(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'{{"model_version_status": [{{"version": "1", "state": "{state}"}}]}}'
            found = self.path == "/v1/models/shop"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(body.encode() if found else b"{}")

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is its result."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Status)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("state", "healthy"), [("AVAILABLE", True), ("LOADING", False)])
def test_health_check_passes_only_with_an_available_version(state: str, healthy: bool) -> None:
    with _server(state) as port:
        done = subprocess.run(_script(port), check=False, capture_output=True, timeout=30)
    assert (done.returncode == 0) is healthy


def test_health_check_fails_where_nothing_listens() -> None:
    with _server("AVAILABLE") as port:
        pass
    done = subprocess.run(_script(port), check=False, capture_output=True, timeout=30)
    assert done.returncode != 0
