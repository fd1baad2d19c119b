"""How to reach a Kubeflow Pipelines API server, and as whom."""

import ssl
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kfp_server_api

from rankbeam.transform.errors import ConfigError, EnvironmentFault

_TOKEN = "--token (or RANKBEAM_KFP_TOKEN)"
_COOKIE = "--cookie (or RANKBEAM_KFP_COOKIE)"


@dataclass(frozen=True)
class Connection:
    """An API server and the caller's credentials, which no message may show.

    White space around a credential, as a file's last line break, is no part of it.

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
    _read: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.host.startswith(("http://", "https://")):
            raise ConfigError(f"--host must begin with http:// or https://; got {self.host}")
        if self.token and self.token_file is not None:
            raise ConfigError("token must come from one place; got --token and --token-file")
        object.__setattr__(self, "token", _stripped(self.token, _TOKEN))
        object.__setattr__(self, "cookie", _stripped(self.cookie, _COOKIE))
        if self.ca_cert is not None:
            _check_authorities(self.ca_cert)

    @property
    def bearer(self) -> str:
        """The token as it stands now; empty where there is none.

        Raises:
            EnvironmentFault: The token's file cannot be read, or holds no token.
        """
        if self.token_file is None:
            return self.token
        try:
            # Any byte is a letter of Latin-1, so that one check finds all that is no token.
            text = self.token_file.read_text(encoding="latin-1").strip(string.whitespace)
        except OSError as error:
            raise EnvironmentFault(
                f"--token-file must be readable; got {self.token_file}: {error.strerror}"
            ) from None
        if not text:
            raise EnvironmentFault(f"--token-file must hold a token; got {self.token_file}, empty")
        if (why := _unfit(text)) is not None:
            raise EnvironmentFault(
                f"--token-file must hold one line of printable ASCII; got {self.token_file}, {why}"
            )
        self._read.add(text)
        return text

    def redact(self, text: str) -> str:
        """`text` without the credentials, should a server repeat them.

        Of a token's file, all that was read: it may have been renewed since a request was sent.
        """
        # The longest first: one may be a part of another.
        for secret in sorted({self.token, self.cookie, *self._read} - {""}, key=len, reverse=True):
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


def _stripped(value: str, name: str) -> str:
    """A credential as a header takes it.

    Raises:
        ConfigError: It is none; the message does not hold it.
    """
    text = value.strip(string.whitespace)
    why = "white space alone" if value and not text else _unfit(text)
    if why is not None:
        raise ConfigError(f"{name} must be one line of printable ASCII; got {why}")
    return text


def _unfit(text: str) -> str | None:
    """What no header can hold, told without the text; None where there is nothing such."""
    for place, letter in enumerate(text, 1):
        if letter in "\r\n":
            return f"a line break at character {place}"
        if letter > "~" and letter != "\x7f":
            return f"what is no ASCII at character {place}"
        if not " " <= letter <= "~":
            return f"a control character at character {place}"
    return None


def _check_authorities(file: Path) -> None:
    """Read a file of certificates as a connection will.

    Raises:
        ConfigError: It cannot be read so.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise ConfigError(
            f"--ca-cert must be a PEM file; got {file}, in which no certificate can be read"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"--ca-cert must be a file that can be read; got {file}: {error.strerror}"
        ) from None
