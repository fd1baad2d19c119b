"""An S3 server for tests: moto's, which keeps its buckets in memory and speaks S3's HTTP API."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import S3Backend, s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

_REGION = "us-east-1"
_DENIED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""


class S3Server:
    """What tests see of the server.

    Attributes:
        endpoint: Its URL.
        refuses: Is asked of each request, by method, path and query; where true, the answer is
            what S3 answers to whoever lacks a permission.
        requests: Method and path of the requests, in order.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self.refuses: Callable[[str, str, str], bool] | None = None
        self.requests: list[tuple[str, str]] = []
        self._app = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, as WSGI wants it."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        if self.refuses is not None and self.refuses(method, path, environ["QUERY_STRING"]):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return Response(_DENIED, 403, mimetype="application/xml")(environ, start_response)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    @property
    def environment(self) -> Mapping[str, str]:
        """What lets Rankbeam use it."""
        return {
            "RANKBEAM_FILE_OPTIONS": f"--s3_endpoint_url={self.endpoint}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }

    def client(self) -> Any:
        """boto3's client, for what tests put there and look at."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=_REGION,
            aws_access_key_id="tests",
            aws_secret_access_key="secret",
        )

    def reset(self) -> None:
        """Forget all buckets and requests."""
        backend: S3Backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        backend.reset()
        self.refuses = None
        self.requests.clear()


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """The server, up for a block in a thread of its own."""
    served = S3Server()
    server = make_server("127.0.0.1", 0, served, threaded=True)
    served.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.reset()
        server.shutdown()
        thread.join()
        server.server_close()
