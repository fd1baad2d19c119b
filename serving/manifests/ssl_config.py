"""TensorFlow Serving's SSL config file, which holds the PEM texts themselves.

Source: tensorflow_serving/config/ssl_config.proto.
"""

import os
from pathlib import Path

from rankbeam.serving.manifests.text_protos import Value, text_proto
from rankbeam.transform.errors import ConfigError, EnvironmentFault


def write_ssl_config(path: Path, *, key: Path, cert: Path, client_ca: Path | None) -> None:
    """Writes an `--ssl_config_file` that its owner alone may read.

    Args:
        path: the file; one that is there is not replaced.
        key: the server's private key, PEM.
        cert: the server's certificate chain, PEM.
        client_ca: the authority of clients' certificates, PEM; None lets any client in.

    Raises:
        ConfigError: an input is not a readable PEM file.
        EnvironmentFault: the file is there already, or cannot be written.
    """
    fields: list[tuple[str, Value]] = [
        ("server_key", _pem("--key", key)),
        ("server_cert", _pem("--cert", cert)),
    ]
    if client_ca is not None:
        fields += [("custom_ca", _pem("--client-ca", client_ca)), ("client_verify", True)]
    try:
        # Created as 0600: at no moment may anyone else read the key.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text_proto(fields))
    except OSError as error:
        raise EnvironmentFault(f"--output must be a new file; got {path} ({error})") from error


def _pem(option: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} must be a PEM file; got {path} ({error})") from error
    if "-----BEGIN " not in text:
        raise ConfigError(f"{option} must be a PEM file; got {path}, which has no PEM block")
    return text
