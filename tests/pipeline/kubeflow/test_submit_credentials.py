"""Credentials that `rankbeam submit` is given: which it takes, which it refuses, none it shows."""

from pathlib import Path

import pytest

from rankbeam.pipeline.cli.main import main
from tests.pipeline.compiled.specs import task, write_spec
from tests.pipeline.kubeflow.server import Cluster, kubeflow

_SECRET = "s3cr3t-t0ken"
_LINE, _FOREIGN, _CONTROL = "a line break", "what is no ASCII", "a control character"
_MALFORMED = {
    "newline": (f"{_SECRET}\nsecond", _LINE),
    "return": (f"{_SECRET}\rsecond", _LINE),
    "latin-1": (f"{_SECRET}\xe9", _FOREIGN),
    "non-latin-1": (f"{_SECRET}\N{EURO SIGN}", _FOREIGN),
    "no text": (f"\udcff{_SECRET}", _FOREIGN),  # as Python reads a byte that is none
    "control": (f"{_SECRET}\x1b[0m", _CONTROL),
    "delete": (f"{_SECRET}\x7f", _CONTROL),
}


@pytest.fixture
def submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The command, but for its host, where the environment names no credentials."""
    for name in ("RANKBEAM_KFP_TOKEN", "RANKBEAM_KFP_COOKIE", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    package = write_spec(tmp_path / "pipeline.yaml", {"DataGate": task("pass")})
    return ("submit", "--compiled", str(package))


def _file(folder: Path, name: str, content: str) -> str:
    file = folder / name
    file.write_text(content)
    return str(file)


def _code(*words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


@pytest.mark.parametrize(("value", "why"), _MALFORMED.values(), ids=_MALFORMED)
@pytest.mark.parametrize(
    ("option", "variable"),
    [("--token", "RANKBEAM_KFP_TOKEN"), ("--cookie", "RANKBEAM_KFP_COOKIE")],
)
@pytest.mark.parametrize("is_typed", [True, False], ids=["option", "variable"])
def test_malformed_credential_is_refused_and_not_shown(
    submit: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    value: str,
    why: str,
    option: str,
    variable: str,
    is_typed: bool,
) -> None:
    if not is_typed:
        monkeypatch.setenv(variable, value)
    words = (option, value) if is_typed else ()
    cluster = Cluster()
    with kubeflow(cluster) as url:
        assert _code(*submit, "--host", url, *words) == 2
    out, err = capfd.readouterr()
    told = f"error: {option} (or {variable}) must be one line of printable ASCII; got {why} at "
    assert err.startswith(told)
    assert err.count("\n") == 1
    assert "s3cr3t" not in out + err
    assert cluster.requests == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"{_SECRET}\nsecond\n".encode(), _LINE),
        (f"{_SECRET}\r\nsecond\r\n".encode(), _LINE),
        (f"{_SECRET}\N{EURO SIGN}\n".encode(), _FOREIGN),
        (b"\xff\xfe" + _SECRET.encode("utf-16-le"), _FOREIGN),
        (_SECRET.encode() + b"\x80\xff", _FOREIGN),
        (_SECRET.encode() + b"\x00", _CONTROL),
    ],
    ids=["two lines", "two lines of Windows", "utf-8", "utf-16", "no text", "zero"],
)
@pytest.mark.parametrize("is_typed", [True, False], ids=["option", "variable"])
def test_malformed_token_file_is_refused_and_not_shown(
    submit: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    content: bytes,
    why: str,
    is_typed: bool,
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    if not is_typed:
        monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    cluster = Cluster()
    with kubeflow(cluster) as url:
        words = ("--token-file", str(file)) if is_typed else ()
        assert _code(*submit, "--host", url, *words) == 5
    out, err = capfd.readouterr()
    told = f"error: --token-file must hold one line of printable ASCII; got {file}, {why} at "
    assert err.startswith(told)
    assert err.count("\n") == 1
    assert "s3cr3t" not in (out + err).replace("\x00", "")
    assert cluster.requests == []


@pytest.mark.parametrize("option", ["--token", "--cookie"])
def test_credential_of_white_space_is_refused(
    submit: tuple[str, ...], capfd: pytest.CaptureFixture[str], option: str
) -> None:
    assert _code(*submit, "--host", "http://127.0.0.1:1", option, " \n") == 2
    assert "must be one line of printable ASCII; got white space alone\n" in capfd.readouterr().err


@pytest.mark.parametrize("around", ["\n", "\r\n", " \t"])
def test_white_space_around_a_credential_is_no_part_of_it(
    submit: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, around: str
) -> None:
    monkeypatch.setenv("RANKBEAM_KFP_TOKEN", f"{around}{_SECRET}{around}")
    monkeypatch.setenv("RANKBEAM_KFP_COOKIE", f"a=b; c=d{around}")
    cluster = Cluster(token=_SECRET, cookie="a=b; c=d")
    with kubeflow(cluster) as url:
        assert _code(*submit, "--host", url) == 0
    assert len(cluster.runs) == 1


@pytest.mark.parametrize(
    ("words", "variables", "taken"),
    [
        (("--token", "typed"), ("path",), "typed"),
        (("--token", "typed"), ("token",), "typed"),
        (("--token", "typed"), ("token", "path"), "typed"),
        (("--token-file", "{file}"), ("token", "path"), "in a file"),
        ((), ("token", "path"), "of ours"),
        ((), ("path",), "of the notebook"),
        (("--token", ""), ("path",), "of the notebook"),
    ],
)
def test_token_that_is_named_most_directly_is_taken(
    submit: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    words: tuple[str, ...],
    variables: tuple[str, ...],
    taken: str,
) -> None:
    if "path" in variables:
        path = _file(tmp_path, "notebook", "of the notebook")
        monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", path)
    if "token" in variables:
        monkeypatch.setenv("RANKBEAM_KFP_TOKEN", "of ours")
    file = _file(tmp_path, "file", "in a file")
    cluster = Cluster(token=taken)
    with kubeflow(cluster) as url:
        assert _code(*submit, "--host", url, *(word.format(file=file) for word in words)) == 0
    assert len(cluster.runs) == 1


def test_file_that_is_not_taken_need_not_be_there(
    submit: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/no/such/token")
    cluster = Cluster(token=_SECRET)
    with kubeflow(cluster) as url:
        assert _code(*submit, "--host", url, "--token", _SECRET) == 0


@pytest.mark.parametrize("place", ["task", "run", "log"])
def test_token_that_a_failed_run_repeats_is_not_shown(
    submit: tuple[str, ...], capfd: pytest.CaptureFixture[str], place: str
) -> None:
    said = {"error": {"code": 13, "message": f"refused: authorization: Bearer {_SECRET}"}}
    task = {"display_name": "trainer", "state": "FAILED", "pod_name": "pod-1"}
    look = {
        "state": "FAILED",
        "run_details": {"task_details": [task | (said if place == "task" else {})]},
        **(said if place == "run" else {}),
    }
    printed = f"rankbeam.transform.errors.EnvironmentFault: refused: Bearer {_SECRET}"
    logs = {"pod-1": printed} if place == "log" else {}
    with kubeflow(Cluster(token=_SECRET, looks=[look], logs=logs)) as url:
        assert _code(*submit, "--host", url, "--token", _SECRET, "--wait") == 5
    streams = capfd.readouterr()
    assert _SECRET not in streams.out + streams.err
    assert "Bearer <secret>" in streams.err


def test_two_tokens_on_the_command_line_are_refused(
    submit: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("--token", _SECRET, "--token-file", _file(tmp_path, "file", _SECRET))
    assert _code(*submit, "--host", "http://127.0.0.1:1", *words) == 2
    err = capfd.readouterr().err
    assert err == "error: token must come from one place; got --token and --token-file\n"
