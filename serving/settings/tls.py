"""Certificates: TensorFlow Serving's SSL config file, whose fields hold PEM text itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankbeam.serving.settings import protos, text
from rankbeam.serving.settings.checks import require


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What a server shows, and what it demands of its clients.

    Attributes:
        server_key: the private key, PEM.
        server_cert: the certificate chain, PEM.
        custom_ca: the authority that clients' certificates are held against, PEM; empty means the
            system's own.
        client_verify: whether a client must show a valid certificate.
    """

    server_key: str
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False

    def __post_init__(self) -> None:
        """Refuses what is not PEM; a path to a file in its place is the usual slip.

        Raises:
            InvalidSetting: a field is not.
        """
        for field in ("server_key", "server_cert", "custom_ca"):
            value = getattr(self, field)
            if value or field != "custom_ca":
                rule = "be PEM text, not a file's name"
                require("-----BEGIN " in value, field, rule, _shortened(value))

    def __repr__(self) -> str:
        """Shows no key: settings are logged."""
        return f"TlsSettings(client_verify={self.client_verify})"


def read_tls(path: Path) -> TlsSettings:
    """The settings of an `--ssl_config_file`.

    Raises:
        ConfigError: it cannot be read, is no SSLConfig, or its fields are not PEM.
    """
    return text.read(path, protos.SSLConfig, "ssl_config_file").convert(_of)


def _of(config: Any) -> TlsSettings:
    return TlsSettings(
        server_key=config.server_key,
        server_cert=config.server_cert,
        custom_ca=config.custom_ca,
        client_verify=config.client_verify,
    )


def _shortened(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:20]}...")
