"""What a server, or its absence, can do to a submission; each is one readable error."""

import socket
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rankbeam.pipeline.kubeflow.backend import Backend
from rankbeam.pipeline.kubeflow.connection import Connection
from rankbeam.pipeline.kubeflow.submit import Submission, submit
from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.pipeline.compiled.specs import task, write_spec
from tests.pipeline.kubeflow.server import Cluster, kubeflow, serving

_SECRET = "s3cr3t-t0ken"


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    return Submission(package=write_spec(tmp_path / "pipeline.yaml", {"A": task("pass")}))


def test_token_is_sent_and_read_anew_for_each_request(
    submission: Submission, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    cluster = Cluster(token="first")
    with kubeflow(cluster) as url:
        connection = Connection(url, token_file=file)
        submit(submission, connection, print)
        cluster.token = "second"
        file.write_text("second\n")
        submit(submission, connection, print)
    assert len(cluster.runs) == 2


@pytest.mark.parametrize("token", ["", _SECRET])
def test_server_that_knows_another_token_is_told_without_showing_ours(
    submission: Submission, token: str
) -> None:
    with kubeflow(Cluster(token="another")) as url, pytest.raises(EnvironmentFault) as caught:
        submit(submission, Connection(url, token=token), print)
    message = str(caught.value)
    assert message.startswith(f"server must know who asks to say how it is; got 401 from {url}: ")
    assert message.endswith(
        "give a token with --token-file or RANKBEAM_KFP_TOKEN, or a session's cookie with "
        "RANKBEAM_KFP_COOKIE"
    )
    assert _SECRET not in message
    assert _SECRET not in repr(Connection(url, token=token, cookie=token))


def test_token_that_was_renewed_since_it_was_sent_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(_SECRET)

    class Renewing(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Prints nothing."""

        def do_GET(self) -> None:
            """Repeats what it was sent, cut in the middle, after the file has changed."""
            file.write_text("another")
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b"x" * 1_990 + self.headers["Authorization"].encode())

    with serving(Renewing) as url, pytest.raises(EnvironmentFault, match=r"got 401 ") as caught:
        Backend(Connection(url, token_file=file)).is_multi_user()
    assert "Bearer <" in str(caught.value)
    assert _SECRET[:3] not in str(caught.value)


def test_caller_who_may_not_is_told_so(submission: Submission) -> None:
    with (
        kubeflow(Cluster(forbidden=True)) as url,
        pytest.raises(EnvironmentFault, match=r"^server must allow the caller .* 403 .*User 'ann'"),
    ):
        submit(submission, Connection(url), print)


def test_rejected_pipeline_is_told_in_the_servers_words(tmp_path: Path) -> None:
    package = write_spec(tmp_path / "pipeline.yaml", {"A_B": task("pass")})
    cluster = Cluster()
    with (
        kubeflow(cluster) as url,
        pytest.raises(ConfigError, match=r"upload the pipeline; got 400 .*spec: 'task A_B'$"),
    ):
        submit(Submission(package), Connection(url), print)
    assert cluster.runs == {}


def test_host_where_nobody_listens_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        EnvironmentFault, match=f"reachable; got http://127.0.0.1:{port}: .*refused"
    ):
        _ask(f"http://127.0.0.1:{port}")


def test_host_without_an_address_is_told() -> None:
    with pytest.raises(EnvironmentFault, match=r"reachable; got http://kfp.invalid"):
        _ask("http://kfp.invalid")


def test_server_that_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(EnvironmentFault, match=f"none from {url} in 0.2 s$"):
            _ask(url, request_timeout_s=0.2)
        assert time.monotonic() - begin < 30.0


class _LoginPage(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Prints nothing."""

    def do_GET(self) -> None:
        """Sends to the login page, and shows it."""
        page = b"<html>who are you?</html>"
        self.send_response(200 if self.path == "/login" else 302)
        self.send_header("Location", "/login")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


class _OtherService(_LoginPage):
    def do_GET(self) -> None:
        """Knows nothing."""
        self.send_error(404)


def test_login_page_is_no_api() -> None:
    with (
        serving(_LoginPage) as url,
        pytest.raises(EnvironmentFault, match=r"KFP API server; got text/html from .*login page"),
    ):
        _ask(url)


def test_other_service_is_no_api() -> None:
    with serving(_OtherService) as url, pytest.raises(EnvironmentFault, match=r"404 .*of HTML"):
        _ask(url)


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ({"host": "kfp:8888"}, "^--host must begin with http:// or https://; got kfp:8888$"),
        ({"token": "a", "token_file": Path("b")}, "^token must come from one place"),
        (
            {"ca_cert": Path("/no/such.pem")},
            "^--ca-cert must be .*; got /no/such.pem: No such file",
        ),
        ({"ca_cert": Path("/")}, "^--ca-cert must be a file that can be read; got /: Is a dir"),
    ],
)
def test_connection_is_checked(connection: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Connection(**{"host": "http://kfp", **connection})  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [None, " \n"])
def test_token_file_without_a_token_is_told(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(EnvironmentFault, match=f"^--token-file must .*; got {file}"):
        _ = Connection("http://kfp", token_file=file).bearer


def _ask(url: str, request_timeout_s: float = 5.0) -> None:
    Backend(Connection(url, request_timeout_s=request_timeout_s)).is_multi_user()
