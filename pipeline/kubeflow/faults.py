"""What goes wrong between here and an API server, as a user reads it."""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3.exceptions
from kfp_server_api.exceptions import ApiException
from urllib3.util.ssl_match_hostname import CertificateError

from rankbeam.pipeline.kubeflow.connection import Connection
from rankbeam.transform.errors import ConfigError, EnvironmentFault, RankbeamError

# 500 as well: the API server says so when its database is away for a moment.
_UNAVAILABLE = frozenset({429, 500, 502, 503, 504})
# OpenSSL's X509_V_ERR_*: not yet valid, expired, another host's, another address's.
_INVALID = frozenset({9, 10, 62, 64})
_CREDENTIALS = (
    "give a token with --token-file or RANKBEAM_KFP_TOKEN, or a session's cookie with "
    "RANKBEAM_KFP_COOKIE"
)
_SHOWN = 2_000
# urllib3 begins its messages with the connection: by address in memory, or by host and port.
_WHO = re.compile(r"^(<[^>]*>|HTTPS?Connection\([^)]*\)): ")


class Unavailable(EnvironmentFault):
    """The server cannot be reached, or says that it cannot answer now; it may later."""


@contextmanager
def told(connection: Connection, action: str) -> Iterator[None]:
    """Turn what the client raises into an error that says what was attempted.

    Args:
        connection: Whose host to name, and whose secrets to keep out of messages.
        action: What is being done, as `upload the pipeline`.

    Raises:
        ConfigError: The server rejects what it was sent (400, 409, 422).
        EnvironmentFault: It refuses the caller (401, 403), is no KFP API, or its certificate is
            not trusted.
        Unavailable: It cannot be reached, or cannot answer now.
    """
    try:
        yield
    except ApiException as error:
        raise _refused(connection, action, error.status, error.reason, error.body) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(connection, action, error) from None
    except UnicodeDecodeError:
        raise no_api(connection, "an answer that is no text") from None


def no_api(connection: Connection, answer: str) -> EnvironmentFault:
    """The error where something answers that is not KFP."""
    return EnvironmentFault(
        f"--host must be the address of a KFP API server; got {connection.redact(answer)} from "
        f"{connection.host} "
        f"(a login page, or another service?): {_CREDENTIALS}"
    )


def _refused(
    connection: Connection, action: str, status: int, reason: str | None, body: Any
) -> RankbeamError:
    said = _message(connection, body) or connection.redact(str(reason or "no reason"))
    got = f"{status} from {connection.host}: {said}"
    if status == 401:
        return EnvironmentFault(f"server must know who asks to {action}; got {got}; {_CREDENTIALS}")
    if status == 403:
        return EnvironmentFault(f"server must allow the caller to {action}; got {got}")
    if status in {400, 409, 422}:
        return ConfigError(f"server must accept the request to {action}; got {got}")
    if status == 404:
        return EnvironmentFault(f"server must know how to {action}; got {got}")
    if 300 <= status < 400:
        return no_api(connection, f"a redirection ({status})")
    kind = Unavailable if status in _UNAVAILABLE else EnvironmentFault
    return kind(f"server must be able to {action}; got {got}")


def _message(connection: Connection, body: Any) -> str:
    """The server's words: from the gateway, from the upload handler, or as plain text."""
    text = str(body or "").strip()
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if isinstance(values, dict):
        for key in ("message", "error_message", "error"):
            if isinstance(values.get(key), str) and values[key]:
                text = values[key]
                break
    elif text.startswith("<"):
        return "a page of HTML"
    text = connection.redact(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} [...]"


def _unreachable(connection: Connection, action: str, error: Exception) -> EnvironmentFault:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(cause, urllib3.exceptions.SSLError):
        return _insecure(connection, cause)
    # A refused connection is a kind of timeout in older versions of urllib3.
    refused = isinstance(cause, urllib3.exceptions.NewConnectionError)
    if isinstance(cause, urllib3.exceptions.TimeoutError) and not refused:
        return Unavailable(
            f"server must answer within --request-timeout-s to {action}; got none from "
            f"{connection.host} in {connection.request_timeout_s:g} s"
        )
    words = connection.redact(_WHO.sub("", str(cause)))
    return Unavailable(f"--host must be reachable; got {connection.host}: {words}")


def _insecure(connection: Connection, error: urllib3.exceptions.SSLError) -> EnvironmentFault:
    """What kept TLS from being spoken: the certificate, or what answers."""
    cause = error.args[0] if error.args else error  # what urllib3 wraps: Python's own, or of a name
    names_others = isinstance(cause, CertificateError)
    if not names_others and not isinstance(cause, ssl.SSLCertVerificationError):
        # Where TLS was spoken before, whatever is in between may have been restarted.
        return Unavailable(
            f"--host must speak TLS where it begins with https://; got {connection.host}: {cause}"
        )
    if names_others or cause.verify_code in _INVALID:
        return EnvironmentFault(
            f"certificate of {connection.host} must be valid now and for this host; got {cause}"
        )
    return EnvironmentFault(
        f"certificate of {connection.host} must be trusted; got {cause}; "
        f"give its authority with --ca-cert"
    )
