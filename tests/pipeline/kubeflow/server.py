"""A server that speaks KFP's v2beta1 REST API, as far as its protocol files say.

Written from the paths and messages of `backend/api/v2beta1`: JSON in proto field names, the
gateway's form of errors, and another form of errors from the handler of uploads.
"""

import email
import email.policy
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

_STATUS = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13, 503: 14}
_KINDS: dict[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
}
_RUN_FIELDS = {
    "experiment_id",
    "display_name",
    "pipeline_version_reference",
    "runtime_config",
    "service_account",
}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str, form: str = "gateway") -> None:
        super().__init__(message)
        self.code = code
        self.form = form


@dataclass
class Cluster:
    """What the server holds, and how it behaves.

    Attributes:
        multi_user: Whether requests must name a namespace.
        token: The only bearer token that it knows; empty where it asks for none.
        cookie: The only cookie that it knows; empty where it asks for none.
        fails: The first so many requests of a method are answered with 500.
        forbidden: Whether it knows the caller and allows nothing.
        looks: The run as it stands at the first look, the second, ...; the last one stays. An int
            is a status that the look is answered with.
        logs: What pods printed.
        requests: Method, path and query of all requests, and their JSON bodies.
    """

    multi_user: bool = False
    token: str = ""
    cookie: str = ""
    fails: dict[str, int] = field(default_factory=dict)
    forbidden: bool = False
    looks: list[dict[str, Any] | int] = field(default_factory=lambda: [{"state": "SUCCEEDED"}])
    logs: dict[str, str] = field(default_factory=dict)
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    def paths(self, method: str) -> list[str]:
        """Paths asked for by a method, in order."""
        return [path for asked, path, _, _ in self.requests if asked == method]


Answer = dict[str, Any] | str
_Route = tuple[str, str, Callable[..., Answer]]


def _named(items: dict[str, dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """What a list call's filter lets through."""
    [predicate] = json.loads(query["filter"])["predicates"]
    if predicate["operation"] not in {1, "EQUALS"} or predicate["key"] != "display_name":
        raise Refusal(400, f"unexpected filter {predicate}")
    found = [item for item in items.values() if item["display_name"] == predicate["stringValue"]]
    return [item for item in found if item.get("namespace") == query.get("namespace")]


def _create(kind: str, items: dict[str, dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(body) - {"display_name", "namespace", "description"}:
        raise Refusal(400, f"unknown field {sorted(unknown)}")
    number = f"{kind}-{len(items) + 1}"
    items[number] = {**body, f"{kind}_id": number, "created_at": "2026-01-02T03:04:05Z"}
    return items[number]


def _upload(cluster: Cluster, query: dict[str, str], package: bytes) -> dict[str, Any]:
    if query.get("pipelineid") not in cluster.pipelines:
        raise Refusal(400, "Failed to create a pipeline version", "upload")
    try:
        spec = next(iter(yaml.safe_load_all(package)))
        tasks, components = spec["root"]["dag"]["tasks"], spec["components"]
        for name, task in tasks.items():
            if task["componentRef"]["name"] not in components:
                raise KeyError(f"component of {name}")
            if re.fullmatch(r"[A-Za-z0-9-]+", name) is None:
                raise KeyError(f"task {name}")
    except (KeyError, TypeError, StopIteration) as error:
        raise Refusal(
            400, f"Invalid input error: invalid pipeline spec: {error}", "upload"
        ) from None
    number = f"version-{len(cluster.versions) + 1}"
    cluster.versions[number] = {
        "pipeline_id": query["pipelineid"],
        "pipeline_version_id": number,
        "display_name": query["name"],
        "pipeline_spec": spec,
    }
    return cluster.versions[number]


def _start(cluster: Cluster, body: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(body) - _RUN_FIELDS:
        raise Refusal(400, f"unknown field {sorted(unknown)}")
    version = cluster.versions.get(body["pipeline_version_reference"]["pipeline_version_id"])
    if version is None or body["experiment_id"] not in cluster.experiments:
        raise Refusal(404, "ResourceNotFoundError: pipeline version or experiment")
    known = version["pipeline_spec"]["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, value in body["runtime_config"].get("parameters", {}).items():
        kinds = _KINDS.get(known[name]["parameterType"], (str,))
        if not isinstance(value, kinds):
            raise Refusal(400, f"parameter {name} has the wrong type")
    number = f"run-{len(cluster.runs) + 1}"
    cluster.runs[number] = {**body, "run_id": number, "looks": 0}
    return {**body, "run_id": number, "state": "PENDING"}


def _look(cluster: Cluster, run_id: str) -> dict[str, Any]:
    if run_id not in cluster.runs:
        raise Refusal(404, f"ResourceNotFoundError: run {run_id}")
    look = cluster.looks[min(cluster.runs[run_id]["looks"], len(cluster.looks) - 1)]
    cluster.runs[run_id]["looks"] += 1
    if isinstance(look, int):
        raise Refusal(look, "upstream connect error", "plain")
    return {"run_id": run_id, **look}


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    cluster: Cluster

    def log_message(self, *_: object) -> None:
        """Prints nothing."""

    def do_GET(self) -> None:
        """Answers a GET."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answers a POST."""
        self._answer("POST")

    def _answer(self, method: str) -> None:
        try:
            code = 200
            answer: Answer = self._route(method)
        except Refusal as refusal:
            code, text = refusal.code, str(refusal)
            forms: dict[str, Answer] = {
                "gateway": {"error": text, "code": _STATUS.get(code), "message": text},
                "upload": {"error_message": text, "error_details": text},
                "plain": text,
            }
            answer = forms[refusal.form]
        data = answer if isinstance(answer, str) else json.dumps(answer)
        kind = "text/plain" if isinstance(answer, str) else "application/json"
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data.encode())))
        self.end_headers()
        self.wfile.write(data.encode())

    def _route(self, method: str) -> Answer:
        cluster = self.cluster
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        uploaded = "upload" in parts.path
        body = None if uploaded or not raw else json.loads(raw)
        cluster.requests.append((method, parts.path, query, body))
        if cluster.token and self.headers.get("Authorization") != f"Bearer {cluster.token}":
            given = self.headers.get("Authorization")
            raise Refusal(401, f"Request header error: no valid identity in {given}")
        if cluster.cookie and self.headers.get("Cookie") != cluster.cookie:
            raise Refusal(401, f"Request header error: no session in {self.headers.get('Cookie')}")
        if cluster.fails.get(method, 0) > 0:
            cluster.fails[method] -= 1
            raise Refusal(500, "InternalServerError: invalid connection")
        if cluster.forbidden:
            raise Refusal(403, "User 'ann' is not authorized with reason: (verb: create)")
        api = parts.path.removeprefix("/apis/")
        if (method, api) == ("POST", "v2beta1/pipelines/upload_version"):
            return _upload(cluster, query, self._part(raw))
        for verb, pattern, act in _ROUTES:
            found = re.fullmatch(pattern, api)
            if verb == method and found is not None:
                return act(cluster, query, body, *found.groups())
        raise Refusal(404, "Not Found")

    def _part(self, raw: bytes) -> bytes:
        """The file of a form."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        [part] = email.message_from_bytes(head + raw, policy=email.policy.HTTP).iter_parts()
        assert part.get_param("name", header="content-disposition") == "uploadfile"
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return content


def _log(cluster: Cluster, _run: str, pod: str) -> str:
    if pod not in cluster.logs:
        raise Refusal(500, f"log of {pod} is gone", "plain")
    return cluster.logs[pod]


_ROUTES: tuple[_Route, ...] = (
    ("GET", "v2beta1/healthz", lambda c, q, b: {"multi_user": c.multi_user}),
    ("GET", "v2beta1/pipelines", lambda c, q, b: {"pipelines": _named(c.pipelines, q)}),
    ("POST", "v2beta1/pipelines", lambda c, q, b: _create("pipeline", c.pipelines, b)),
    (
        "GET",
        "v2beta1/pipelines/([^/]+)/versions",
        lambda c, q, b, i: {"pipeline_versions": _named(c.versions, q)},
    ),
    ("GET", "v2beta1/experiments", lambda c, q, b: {"experiments": _named(c.experiments, q)}),
    ("POST", "v2beta1/experiments", lambda c, q, b: _create("experiment", c.experiments, b)),
    ("POST", "v2beta1/runs", lambda c, q, b: _start(c, b)),
    ("GET", "v2beta1/runs/([^/]+)", lambda c, q, b, i: _look(c, i)),
    ("GET", "v1alpha1/runs/([^/]+)/nodes/([^/]+)/log", lambda c, q, b, i, p: _log(c, i, p)),
)


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler],
    tls: ssl.SSLContext | None = None,
    address: str = "127.0.0.1",
) -> Iterator[str]:
    """The URL of a server with `handler`, which may speak TLS, for a block."""
    with ThreadingHTTPServer((address, 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def kubeflow(
    cluster: Cluster, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[str]:
    """The URL of a server of `cluster`, which may speak TLS, for a block."""
    with serving(type("Handler", (_Handler,), {"cluster": cluster}), tls, address) as url:
        yield url
