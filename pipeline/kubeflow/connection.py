"""How to reach a Kubeflow Pipelines API server, and as whom."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kfp_server_api

from rankbeam.transform.errors import ConfigError, EnvironmentFault


@dataclass(frozen=True)
class Connection:
    """An API server and the caller's credentials, which no message may show.

    Attributes:
        host: URL of the API server, or of the page that it stands behind.
        token: Bearer token; empty where there is none.
        token_file: File that holds the token; read for each request, since clusters renew it.
        cookie: Cookie header of a session, for installations behind a login page.
        ca_cert: PEM file of the authorities to trust; the usual ones where None.
        request_timeout_s: Longest wait for one answer.
    """

    host: str
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    cookie: str = field(default="", repr=False)
    ca_cert: Path | None = None
    request_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if not self.host.startswith(("http://", "https://")):
            raise ConfigError(f"--host must begin with http:// or https://; got {self.host}")
        if self.token and self.token_file is not None:
            raise ConfigError("token must come from one place; got --token and --token-file")
        if self.ca_cert is not None and not self.ca_cert.is_file():
            raise ConfigError(f"--ca-cert must be a file; got {self.ca_cert}")

    @property
    def bearer(self) -> str:
        """The token as it stands now; empty where there is none.

        Raises:
            EnvironmentFault: The token's file cannot be read, or is empty.
        """
        if self.token_file is None:
            return self.token
        try:
            text = self.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise EnvironmentFault(
                f"--token-file must be readable; got {self.token_file}: {error.strerror}"
            ) from None
        if not text:
            raise EnvironmentFault(f"--token-file must hold a token; got {self.token_file}, empty")
        return text

    def redact(self, text: str) -> str:
        """`text` without the credentials, should a server repeat them."""
        for secret in (self.bearer, self.cookie):
            if secret:
                text = text.replace(secret, "<secret>")
        return text


def api_client(connection: Connection) -> Any:
    """A client of the API server; it opens no connection yet."""
    configuration = kfp_server_api.Configuration()
    configuration.host = connection.host.rstrip("/")
    if connection.ca_cert is not None:
        configuration.ssl_ca_cert = str(connection.ca_cert)

    def refresh(current: Any) -> None:
        token = connection.bearer
        if token:
            current.api_key["authorization"] = token
            current.api_key_prefix["authorization"] = "Bearer"

    configuration.refresh_api_key_hook = refresh
    # The hook is called when a key is asked for, and it is asked for where one is known.
    refresh(configuration)
    return kfp_server_api.ApiClient(configuration, cookie=connection.cookie or None)
