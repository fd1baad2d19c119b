"""The SSL config file, read back by the server's own reader and by nobody else."""

from pathlib import Path

import pytest

from rankbeam.serving.manifests.ssl_config import write_ssl_config
from rankbeam.serving.settings.tls import TlsSettings, read_tls
from rankbeam.transform.errors import ConfigError, EnvironmentFault


def _pem(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.pem"
    text = f"-----BEGIN {kind}-----\nQUJD\n-----END {kind}-----\n"
    path.write_text(text, encoding="ascii")
    return path


def test_the_server_reads_what_is_written(tmp_path: Path) -> None:
    key, cert, ca = (_pem(tmp_path, kind) for kind in ("KEY", "CERTIFICATE", "AUTHORITY"))
    file = tmp_path / "ssl.config"
    write_ssl_config(file, key=key, cert=cert, client_ca=ca)
    assert read_tls(file) == TlsSettings(
        server_key=key.read_text(encoding="ascii"),
        server_cert=cert.read_text(encoding="ascii"),
        custom_ca=ca.read_text(encoding="ascii"),
        client_verify=True,
    )
    assert file.stat().st_mode & 0o777 == 0o600


def test_clients_need_a_certificate_only_with_an_authority(tmp_path: Path) -> None:
    key, cert = _pem(tmp_path, "KEY"), _pem(tmp_path, "CERTIFICATE")
    write_ssl_config(tmp_path / "ssl.config", key=key, cert=cert, client_ca=None)
    assert read_tls(tmp_path / "ssl.config").client_verify is False


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    key, cert = _pem(tmp_path, "KEY"), _pem(tmp_path, "CERTIFICATE")
    file = tmp_path / "ssl.config"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="--output must be a new file"):
        write_ssl_config(file, key=key, cert=cert, client_ca=None)
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("content", [None, b"no certificate", b"\xff\xfe"])
def test_an_input_that_is_no_pem_is_refused(tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.pem"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(ConfigError, match=r"--cert must be a PEM file; got .*bad\.pem"):
        write_ssl_config(
            tmp_path / "ssl.config", key=_pem(tmp_path, "KEY"), cert=bad, client_ca=None
        )
    assert not (tmp_path / "ssl.config").exists()
