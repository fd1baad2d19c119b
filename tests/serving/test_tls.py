"""TLS and client certificates on both ports, asked with stock stubs and Python's own TLS."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from rankbeam.serving import tls
from rankbeam.serving.client import ChannelOptions, PredictClient
from rankbeam.serving.errors import RequestRejected
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.tls import TlsSettings, read_tls
from rankbeam.transform.errors import ConfigError
from tests.serving.certificates import Authority, Pair

OURS, OTHERS = Authority("ours"), Authority("others")
SERVER = OURS.sign("server")
KNOWN = OURS.sign("client")
# Nothing is served: whoever gets through is told so.
GOT_THROUGH = "NOT_FOUND"
# By the moment, an alert, or what is left of the connection; the last is http.client's own word.
_REFUSED = "alert|[Rr]eset|EOF|[Bb]roken pipe|closed connection without response"


@contextmanager
def _serving(folder: Path, *, verify: bool = False, server: Pair = SERVER) -> Iterator[ModelServer]:
    settings = TlsSettings(
        server_key=server.key,
        server_cert=server.certificate,
        custom_ca=OURS.certificate if verify else "",
        client_verify=verify,
    )
    options = ServerOptions(
        (ModelSettings("none", folder),), port=0, rest_port=0, tls=settings, rest_tls=True
    )
    with ModelServer(options) as running:
        yield running


def _ask(server: ModelServer, root: str, client: Pair | None = None) -> str:
    """The status code that a stock client gets."""
    credentials = grpc.ssl_channel_credentials(
        root.encode(),
        None if client is None else client.key.encode(),
        None if client is None else client.certificate.encode(),
    )
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "none"
    with (
        grpc.secure_channel(f"127.0.0.1:{server.port}", credentials) as channel,
        pytest.raises(grpc.RpcError, match="StatusCode") as raised,
    ):
        model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=10)
    code: str = raised.value.code().name
    return code


def _get(server: ModelServer, folder: Path, root: str, client: Pair | None = None) -> int:
    """The HTTP status of a model that is not there."""
    context = ssl.create_default_context(cadata=root)
    if client is not None:
        context.load_cert_chain(*client.write(folder, "client"))
    assert server.rest_port is not None
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.rest_port, context=context, timeout=10
    )
    try:
        connection.request("GET", "/v1/models/none")
        return connection.getresponse().status
    finally:
        connection.close()


def _until_closed(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(4096):
            received += piece
    return received


def test_tls_is_spoken_on_both_ports_to_clients_that_know_the_authority(tmp_path: Path) -> None:
    with _serving(tmp_path) as server:
        assert _ask(server, OURS.certificate) == GOT_THROUGH
        assert _get(server, tmp_path, OURS.certificate) == 404
        assert _ask(server, OTHERS.certificate) == "UNAVAILABLE"
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
            _get(server, tmp_path, OTHERS.certificate)


def test_plain_text_gets_no_answer_where_tls_is_spoken(tmp_path: Path) -> None:
    with _serving(tmp_path) as server:
        request = get_model_status_pb2.GetModelStatusRequest()
        with (
            grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
            pytest.raises(grpc.RpcError, match="UNAVAILABLE"),
        ):
            model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=10)
        assert server.rest_port is not None
        with socket.create_connection(("127.0.0.1", server.rest_port), timeout=10) as plain:
            plain.sendall(b"GET /v1/models/none HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP" not in _until_closed(plain)
        assert _ask(server, OURS.certificate) == GOT_THROUGH


def test_client_certificate_is_demanded_and_checked(tmp_path: Path) -> None:
    with _serving(tmp_path, verify=True) as server:
        assert _ask(server, OURS.certificate, KNOWN) == GOT_THROUGH
        assert _get(server, tmp_path, OURS.certificate, KNOWN) == 404
        refused: list[Pair | None] = [
            None,
            OTHERS.sign("client"),  # an authority that nobody here knows
            OURS.sign("client", days=-1),  # expired
        ]
        for client in refused:
            assert _ask(server, OURS.certificate, client) == "UNAVAILABLE"
            with pytest.raises(OSError, match=_REFUSED):
                _get(server, tmp_path, OURS.certificate, client)
        assert _ask(server, OURS.certificate, KNOWN) == GOT_THROUGH


def test_our_own_client_shows_its_certificate(tmp_path: Path) -> None:
    certificate, key = KNOWN.write(tmp_path, "client")
    root = tmp_path / "root.crt"
    root.write_text(OURS.certificate)
    options = ChannelOptions(root_certificates=root, private_key=key, certificate_chain=certificate)
    with (
        _serving(tmp_path, verify=True) as server,
        PredictClient(f"127.0.0.1:{server.port}", "none", channel=options) as client,
        pytest.raises(RequestRejected, match="Could not find any versions of model none"),
    ):
        client.status()


def test_ssl_config_file_makes_the_same_settings(tmp_path: Path) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\n", "\\n") + '"'

    file = tmp_path / "ssl.config"
    file.write_text(
        f"server_key: {quoted(SERVER.key)}\nserver_cert: {quoted(SERVER.certificate)}\n"
        f"custom_ca: {quoted(OURS.certificate)}\nclient_verify: true\n"
    )
    assert read_tls(file) == TlsSettings(
        SERVER.key, SERVER.certificate, custom_ca=OURS.certificate, client_verify=True
    )


@pytest.mark.parametrize("make", [tls.ssl_context, tls.grpc_credentials])
def test_key_of_another_certificate_is_an_error_in_the_config(make: object) -> None:
    settings = TlsSettings(KNOWN.key, SERVER.certificate)
    with pytest.raises(ConfigError, match="must hold a private key, its certificate"):
        make(settings)  # type: ignore[operator]


def test_certificate_that_is_none_is_an_error_in_the_config() -> None:
    broken = SERVER.certificate[:100] + "\n-----END CERTIFICATE-----\n"
    with pytest.raises(ConfigError, match="must hold a private key, its certificate"):
        tls.grpc_credentials(TlsSettings(SERVER.key, broken))
