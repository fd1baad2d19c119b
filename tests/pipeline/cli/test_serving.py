"""`rankbeam serving manifests`: files on the disk, exit codes and messages."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rankbeam.pipeline.cli import main
from tests.pipeline.config.examples import write_config

SERVING = "model:\n  sharing:"


def _config(folder: Path, deployment: str) -> Path:
    return write_config(folder, SERVING, f"serving:\n  deployment: {deployment}\n{SERVING}")


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit, match=r"\d+") as caught:
        main(["serving", "manifests", *map(str, arguments)])
    told = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, told.out, told.err


def test_manifests_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deploy"
    code, out, err = _run(capsys, write_config(tmp_path), "-o", folder)
    assert (code, err) == (0, "")
    written = {line.removeprefix("wrote ") for line in out.splitlines()}
    assert written == {str(path) for path in folder.rglob("*") if path.is_file()}
    assert str(folder / "kubernetes.yaml") in written
    compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    source = compose["services"]["serving"]["volumes"][1]["source"]
    assert source.endswith("rankbeam-out/shop/pushed}")


def test_manifests_takes_the_simulated_marketplace_without_a_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = _run(capsys, "-o", tmp_path / "deploy", "--only", "settings")
    assert code == 0
    text = (tmp_path / "deploy/config/models.config").read_text(encoding="utf-8")
    assert 'name: "offers"' in text


def test_manifests_takes_the_configs_section_and_the_runs_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path, "{tag: 2.18.0, namespace: ranking}")
    folder = tmp_path / "deploy"
    code, _, _ = _run(capsys, config, "-o", folder, "--run-output", tmp_path / "run")
    assert code == 0
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    assert "${TF_SERVING_IMAGE:-tensorflow/serving:2.18.0}" in text
    assert "${RANKBEAM_MODELS:-../run/pushed}" in text
    assert "namespace: ranking" in (folder / "kubernetes.yaml").read_text(encoding="utf-8")


def test_manifests_takes_batching_and_notes_the_request_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = "serving:\n  batching: {max_batch_size: 77}\n  request_log: {folder: served}\n"
    config = write_config(tmp_path, SERVING, section + SERVING)
    folder = tmp_path / "deploy"
    assert _run(capsys, config, "-o", folder)[0] == 0
    batching = (folder / "config/batching.config").read_text(encoding="utf-8")
    assert "max_batch_size {\n  value: 77\n}" in batching
    for name in ("compose.yaml", "kubernetes.yaml", "kserve.yaml"):
        assert "--enable_batching=true" in (folder / name).read_text(encoding="utf-8")
    models = (folder / "config/models.config").read_text(encoding="utf-8")
    assert "serving.request_log is not here" in models


def test_manifests_writes_only_what_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deploy"
    code, _, _ = _run(capsys, write_config(tmp_path), "-o", folder, "--only", "kubernetes, kserve")
    assert code == 0
    assert {path.name for path in folder.iterdir()} == {"kubernetes.yaml", "kserve.yaml"}


def test_manifests_refuses_an_unknown_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, write_config(tmp_path), "-o", tmp_path / "d", "--only", "helm")
    assert code == 2
    assert err == (
        "error: --only must name settings, prometheus, grafana, compose, kubernetes, kserve; "
        "got helm\n"
    )
    assert not (tmp_path / "d").exists()


def test_manifests_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path, "{model_store: {kind: folder, path: /mnt/models}}")
    code, _, err = _run(capsys, config, "-o", tmp_path / "deploy")
    assert code == 0
    assert err.startswith("left out kserve: serving.deployment.model_store.kind must be claim")
    code, _, err = _run(capsys, config, "-o", tmp_path / "deploy", "--only", "kserve")
    assert code == 2
    assert "got folder" in err


def test_manifests_keeps_an_edited_file_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, folder = write_config(tmp_path), tmp_path / "deploy"
    assert _run(capsys, config, "-o", folder)[0] == 0
    assert _run(capsys, config, "-o", folder)[0] == 0
    with (folder / "kubernetes.yaml").open("a", encoding="utf-8") as file:
        file.write("# ours\n")
    code, _, err = _run(capsys, config, "-o", folder)
    assert code == 5
    assert err.startswith("error: files to write must be absent or as they were generated")
    assert str(folder / "kubernetes.yaml") in err
    assert _run(capsys, config, "-o", folder, "--force")[0] == 0
    assert "# ours" not in (folder / "kubernetes.yaml").read_text(encoding="utf-8")


def test_manifests_reports_a_bad_section_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path, "{replica: {min: 1}}")
    code, _, err = _run(capsys, config, "-o", tmp_path / "deploy")
    assert code == 2
    assert "serving.deployment.replica is not a known key; did you mean replicas?" in err


@pytest.mark.slow
def test_manifests_starts_without_tensorflow(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom rankbeam.pipeline.cli import main\n"
        f"try:\n    main(['serving', 'manifests', '-o', {str(tmp_path / 'd')!r}])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_ssl_config_writes_a_file_and_refuses_what_is_no_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = tmp_path / "both.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", encoding="ascii")
    file = tmp_path / "ssl.config"
    options = ["--cert", str(pem), "-o", str(file)]
    with pytest.raises(SystemExit, match="0"):
        main(["serving", "ssl-config", "--key", str(pem), *options])
    assert capsys.readouterr().out == f"wrote {file}\n"
    assert "server_key: " in file.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["serving", "ssl-config", "--key", str(tmp_path / "gone"), *options])
    assert "--key must be a PEM file" in capsys.readouterr().err
