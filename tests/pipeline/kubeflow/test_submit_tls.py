"""A submission over TLS, to a server that speaks it with certificates made here."""

import ssl
from pathlib import Path

import pytest

from rankbeam.pipeline.cli.main import main
from tests.pipeline.compiled.specs import task, write_spec
from tests.pipeline.kubeflow.server import Cluster, kubeflow
from tests.serving.certificates import Authority, Pair

OURS, OTHERS = Authority("ours"), Authority("others")
SERVER = OURS.sign("kubeflow")
_COOKIE = "authservice_session=s3cr3t; theme=dark"


@pytest.fixture
def submit(tmp_path: Path) -> tuple[str, ...]:
    """The command, but for its host."""
    package = write_spec(tmp_path / "pipeline.yaml", {"DataGate": task("pass")})
    return ("submit", "--compiled", str(package), "--wait", "--poll-s", "0.01")


def _code(*words: object) -> object:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


def _root(folder: Path, authority: Authority = OURS) -> Path:
    file = folder / "root.crt"
    file.write_text(authority.certificate)
    return file


def test_submit_over_tls_with_the_servers_authority_and_a_cookie(
    submit: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(cookie=_COOKIE, looks=[{"state": "RUNNING"}, {"state": "SUCCEEDED"}])
    with kubeflow(cluster, SERVER.server(tmp_path, "server")) as url:
        words = (*submit, "--host", url, "--ca-cert", _root(tmp_path), "--cookie", _COOKIE)
        assert _code(*words) == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[2:] == [
        f"link       {url}/#/runs/details/run-1",
        "  run               RUNNING",
        "  run               SUCCEEDED",
    ]
    assert url.startswith("https://")
    assert (err, len(cluster.versions), len(cluster.runs)) == ("", 1, 1)


@pytest.mark.parametrize("cookie", [(), ("--cookie", _COOKIE)])
def test_another_cookie_is_not_let_in_nor_shown(
    submit: tuple[str, ...],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    cookie: tuple[str, ...],
) -> None:
    cluster = Cluster(cookie="authservice_session=another")
    with kubeflow(cluster, SERVER.server(tmp_path, "server")) as url:
        assert _code(*submit, "--host", url, "--ca-cert", _root(tmp_path), *cookie) == 5
    out, err = capfd.readouterr()
    seen = "<secret>" if cookie else "None"
    assert f"got 401 from {url}: Request header error: no session in {seen}; give a token" in err
    assert "s3cr3t" not in out + err
    assert cluster.runs == {}


@pytest.mark.parametrize("authority", [None, OTHERS])
def test_untrusted_certificate_is_refused(
    submit: tuple[str, ...],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    authority: Authority | None,
) -> None:
    words = () if authority is None else ("--ca-cert", _root(tmp_path, authority))
    cluster = Cluster()
    with kubeflow(cluster, SERVER.server(tmp_path, "server")) as url:
        assert _code(*submit, "--host", url, *words, "--token", "s3cr3t") == 5
    err = capfd.readouterr().err
    assert err.startswith(f"error: certificate of {url} must be trusted; got ")
    assert "unable to get local issuer certificate" in err
    assert err.endswith("; give its authority with --ca-cert\n")
    assert cluster.requests == []


@pytest.mark.parametrize(
    ("pair", "address", "said"),
    [
        (OURS.sign("kubeflow", days=-1), "127.0.0.1", "certificate has expired"),
        (SERVER, "127.0.0.2", "127.0.0.2"),
    ],
)
def test_certificate_that_is_none_for_now_or_for_the_host_is_refused(
    submit: tuple[str, ...],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    pair: Pair,
    address: str,
    said: str,
) -> None:
    cluster = Cluster()
    with kubeflow(cluster, pair.server(tmp_path, "server"), address) as url:
        assert _code(*submit, "--host", url, "--ca-cert", _root(tmp_path)) == 5
    err = capfd.readouterr().err
    told = f"error: certificate of {url} must be valid now and for this host; got "
    assert err.startswith(told)
    assert said in err.removeprefix(told)
    assert cluster.requests == []


def test_port_without_tls_is_told(
    submit: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    with kubeflow(Cluster()) as url:
        host = url.replace("http://", "https://")
        assert _code(*submit, "--host", host) == 5
    err = capfd.readouterr().err
    told = f"error: --host must speak TLS where it begins with https://; got {host}: "
    assert err.startswith(told)
    assert "--ca-cert" not in err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no PEM",
        ssl.PEM_cert_to_DER_cert(OURS.certificate),
        OURS.certificate[:200].encode() + b"\n-----END CERTIFICATE-----\n",
        SERVER.key.encode(),
    ],
    ids=["empty", "text", "der", "cut", "key"],
)
def test_authority_that_is_no_pem_is_told(
    submit: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "root.crt"
    file.write_bytes(content)
    assert _code(*submit, "--host", "https://127.0.0.1:1", "--ca-cert", file) == 2
    assert capfd.readouterr().err == (
        f"error: --ca-cert must be a PEM file; got {file}, in which no certificate can be read\n"
    )
