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
        scheme: What paths begin with.
        credentials: Environment variables without which there are none, and those that lead to
            files of them.
        no_bucket: What it says of a bucket that is not there.
        closed: What it says to who may not list.
        denied: How its refusal to write ends.
        no_credentials: What its client says without any.
        endpoint: Its URL.
        refuses: Is asked of each request, by method, path and query; where true, the answer is
            what S3 answers to whoever lacks a permission.
        requests: Method and path of the requests, in order.
    """

    scheme = "s3"
    credentials = (
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"),
    )
    no_bucket = (
        "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified "
        "bucket does not exist"
    )
    closed = "AccessDenied"
    denied = "when calling the PutObject operation: Access Denied"
    no_credentials = "Unable to locate credentials"

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

    def create_bucket(self, name: str) -> None:
        """Make a bucket."""
        self.client().create_bucket(Bucket=name)

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Write an object."""
        self.client().put_object(Bucket=bucket, Key=name, Body=content)

    def contents(self, bucket: str) -> dict[str, bytes]:
        """What a bucket's objects hold, by name."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        names = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {name: client.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}

    def unfinished(self, bucket: str) -> list[str]:
        """Names of objects of which parts were sent, and neither joined nor given up."""
        uploads = self.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [upload["Key"] for upload in uploads]

    def reads(self) -> list[str]:
        """Paths of requests for content, in order."""
        return [path for method, path in self.requests if method == "GET"]

    def reset(self) -> None:
        """Forget all buckets and requests."""
        backend: S3Backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        backend.reset()
        self.refuses = None
        self.requests.clear()

    def up(self) -> None:
        """Listen: on the port of before where it was up already."""
        port = int(self.endpoint.rpartition(":")[2] or 0)
        self._server = make_server("127.0.0.1", port, self, threaded=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Listen no more, and keep what is in the buckets."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """The server, up for a block in a thread of its own."""
    served = S3Server()
    served.up()
    try:
        yield served
    finally:
        served.reset()
        served.down()
