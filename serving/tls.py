"""Certificates for the two fronts, from TensorFlow Serving's SSL config."""

import ssl
import tempfile
from pathlib import Path
from typing import Any

import grpc

from rankbeam.serving.settings.tls import TlsSettings
from rankbeam.transform.errors import ConfigError


def grpc_credentials(settings: TlsSettings) -> Any:
    """What a gRPC server listens with.

    Raises:
        ConfigError: the key or a certificate cannot be used.
    """
    ssl_context(settings)  # gRPC itself says nothing of a key that does not fit its certificate
    return grpc.ssl_server_credentials(
        [(settings.server_key.encode(), settings.server_cert.encode())],
        root_certificates=_authorities(settings) if settings.client_verify else None,
        require_client_auth=settings.client_verify,
    )


def ssl_context(settings: TlsSettings) -> ssl.SSLContext:
    """What an HTTP server listens with.

    Raises:
        ConfigError: the key or a certificate cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="rankbeam-tls-") as folder:
        chain = Path(folder) / "chain.pem"  # Python reads a key from files alone; 0700 folder
        chain.write_text(f"{settings.server_key}\n{settings.server_cert}\n")
        try:
            context.load_cert_chain(chain)
            if settings.client_verify:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(cadata=_authorities(settings).decode())
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(
                "ssl_config_file must hold a private key, its certificate and authorities as PEM; "
                f"got {error}"
            ) from error
    return context


def _authorities(settings: TlsSettings) -> bytes:
    if settings.custom_ca:
        return settings.custom_ca.encode()
    system = ssl.get_default_verify_paths().cafile
    if system is None:
        raise ConfigError(
            "custom_ca must be given where the system has no certificate authorities of its own; "
            "got none"
        )
    return Path(system).read_bytes()
