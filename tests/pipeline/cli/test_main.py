"""The command line: exit codes, messages, and that nothing is written where it fails early."""

import json
from pathlib import Path

import pytest
import yaml

from rankbeam.pipeline.cli import main
from tests.pipeline.config.examples import write_config


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit, match=r"\d+") as caught:
        main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, told.out, told.err


def test_config_check_prints_the_resolved_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _run(capsys, "config", "check", write_config(tmp_path))
    assert code == 0
    resolved = yaml.safe_load(out)
    assert resolved["training"]["batch_size"] == 1024
    assert resolved["features"]["device"]["oov_buckets"] == 2


def test_config_check_fails_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_config(tmp_path, "    experts: 2", "    expert: 2")
    code, out, err = _run(capsys, "config", "check", file)
    assert (code, out) == (2, "")
    assert err == (
        "error: model.sharing.expert is not a known key; did you mean experts? (rankbeam.yaml:17)\n"
    )


def test_config_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "config", "schema")
    assert code == 0
    assert json.loads(out)["title"] == "RankbeamConfig"


def test_run_refuses_a_path_that_is_not_there_before_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    code, _, err = _run(capsys, "run", write_config(tmp_path), "--output", output)
    assert code == 3
    assert str(tmp_path / "log") in err
    assert not output.exists()


def test_run_refuses_a_data_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = tmp_path / "absent"
    code, _, err = _run(capsys, "run", write_config(tmp_path), "--data", absent)
    assert code == 2
    assert err == f"error: --data must be an existing folder; got {absent}\n"


def test_simulate_writes_a_log_and_refuses_to_overwrite_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "market"
    code, out, _ = _run(capsys, "simulate", "--output", folder, "--impressions", 500)
    assert code == 0
    assert out.startswith("500 impressions")
    code, _, err = _run(capsys, "simulate", "--output", folder, "--impressions", 501)
    assert code == 3
    assert str(folder) in err


def test_runs_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "runs", "--output", tmp_path)
    assert (code, out) == (0, "")
    assert err == f"no runs below {tmp_path}\n"


def test_predict_refuses_a_request_file_that_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = _run(capsys, "predict", "@absent.json")
    assert code == 3
    assert err.startswith("error: request file must be readable text; got absent.json")


@pytest.mark.parametrize("arguments", [["explode"], ["run", "--span", "-1"], ["simulate"]])
def test_main_refuses_a_wrong_command_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, *arguments)
    assert code == 2
    assert "Error" in err
