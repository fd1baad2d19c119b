"""The connection: one channel a client, with or without TLS."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from rankbeam.transform.errors import ConfigError, EnvironmentFault

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A server that is just starting is met soon after it listens, not seconds later.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A client of a server on this host must not be sent through a proxy of the environment.
    ("grpc.enable_http_proxy", 0),
)


@dataclass(frozen=True, slots=True)
class ChannelOptions:
    """How to connect. Files are PEM; each of them asks for TLS.

    Attributes:
        tls: encrypt, and check the server's certificate.
        root_certificates: who may sign the server's certificate; by default those gRPC brings.
        private_key: the client's key, where the server asks clients for a certificate.
        certificate_chain: the client's certificate, and those between it and the root.
        server_name: the name that the server's certificate must bear, where it is not the target's
            host.
    """

    tls: bool = False
    root_certificates: Path | None = None
    private_key: Path | None = None
    certificate_chain: Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        """Checks that key and certificate come together.

        Raises:
            ConfigError: one of the client's two files is given alone, or `server_name` without TLS.
        """
        if (self.private_key is None) != (self.certificate_chain is None):
            given = self.private_key or self.certificate_chain
            raise ConfigError(
                f"private_key and certificate_chain must be given together; got only {given}"
            )
        if self.server_name is not None and not self.uses_tls:
            raise ConfigError(f"server_name must be given with TLS; got {self.server_name!r} alone")

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls or self.root_certificates is not None or self.private_key is not None

    def open(self, target: str) -> Any:
        """A channel for calls that wait; it connects at the first call.

        Raises:
            EnvironmentFault: a file cannot be read.
        """
        if not self.uses_tls:
            return grpc.insecure_channel(target, options=_OPTIONS)
        return grpc.secure_channel(target, self._credentials(), options=self._tls_options())

    def open_aio(self, target: str) -> Any:
        """A channel for the running event loop; it connects at the first call.

        Raises:
            EnvironmentFault: a file cannot be read.
        """
        if not self.uses_tls:
            return aio.insecure_channel(target, options=_OPTIONS)
        return aio.secure_channel(target, self._credentials(), options=self._tls_options())

    def _credentials(self) -> Any:
        return grpc.ssl_channel_credentials(
            root_certificates=_read("root_certificates", self.root_certificates),
            private_key=_read("private_key", self.private_key),
            certificate_chain=_read("certificate_chain", self.certificate_chain),
        )

    def _tls_options(self) -> tuple[tuple[str, object], ...]:
        if self.server_name is None:
            return _OPTIONS
        return (*_OPTIONS, ("grpc.ssl_target_name_override", self.server_name))


def _read(field: str, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise EnvironmentFault(f"{field} must be a readable file; got {path}: {error}") from error
