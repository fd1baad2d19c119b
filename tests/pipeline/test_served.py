"""What `rankbeam serve` serves: where the model comes from, and which flags it takes."""

import os
import re
from pathlib import Path

import pytest

from rankbeam.pipeline.cli import main
from rankbeam.pipeline.layout import DEFAULT_ROOT
from rankbeam.pipeline.runs.record import RunRecord, write_record
from rankbeam.pipeline.served import ServeRequest, options
from rankbeam.serving.content import RECORD_PATH, PushRecord
from rankbeam.serving.flags import parse
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.transform.errors import ConfigError
from tests.pipeline.config.examples import write_config


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """A run's output folder with a push; nothing of it is loaded here."""
    return _push(tmp_path / "out")


def _push(output: Path) -> Path:
    version = output / "pushed" / "4"
    (version / RECORD_PATH).parent.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    record = PushRecord("ads", 4, "sha256:0", "", "blessed", "blessed")
    (version / RECORD_PATH).write_text(record.to_json())
    return output


def test_served_folder_takes_flags_beside_it(pushed: Path) -> None:
    found = options(ServeRequest(parse([str(pushed), "--port", "0", "--enable_batching"])))
    assert found.models == (ModelSettings("ads", pushed / "pushed"),)
    assert (found.port, found.rest_port) == (0, 8501)
    assert found.batching is not None


def test_served_folder_may_have_another_name_and_no_rest(pushed: Path) -> None:
    words = [f"{pushed}/pushed", "--model-name=shop", "--rest_api_port=0"]
    found = options(ServeRequest(parse(words)))
    assert (found.models[0].name, found.rest_port) == ("shop", None)


def test_served_config_names_its_pushes(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    output = _push(tmp_path / "elsewhere")
    found = options(ServeRequest(parse([]), config, output))
    assert found.models == (ModelSettings("ads", output / "pushed"),)
    assert found.batching is None


@pytest.mark.parametrize("by", ["folder", "config"])
def test_served_folder_must_be_local(tmp_path: Path, by: str) -> None:
    push = "name: shop\npush: {destination: 'gs://models/shop'}\n"
    config = write_config(tmp_path, "name: shop\n", push)
    request = (
        ServeRequest(parse(["gs://models/shop"]))
        if by == "folder"
        else ServeRequest(parse([]), config)
    )
    with pytest.raises(ConfigError, match=r"must be on a local disk .*; got gs://models/shop"):
        options(request)


_SERVING = """\
serving:
  batching: {max_batch_size: 64}
  request_log: {folder: served, sampling_rate: 0.5}
"""


def test_served_config_says_how(tmp_path: Path) -> None:
    config = write_config(tmp_path, "evaluation:", f"{_SERVING}evaluation:")
    output = _push(tmp_path / "out")
    found = options(ServeRequest(parse([]), config, output))
    assert found.batching is not None
    assert found.batching.max_batch_size == 64
    log = found.models[0].logging
    assert log is not None
    assert (log.folder, log.sampling_rate) == (tmp_path / "served", 0.5)
    flagged = options(ServeRequest(parse(["--enable_batching=false"]), config, output))
    assert flagged.batching is None


@pytest.mark.parametrize("moved", [False, True])
def test_served_last_push_is_served_as_its_config_says_while_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    config = write_config(tmp_path, "evaluation:", f"{_SERVING}evaluation:")
    output = _push(tmp_path / DEFAULT_ROOT / "shop")
    run = output / "runs" / "20260101T000000.000001"
    run.mkdir(parents=True)
    record = RunRecord(
        run_id=run.name,
        pipeline="shop",
        model_name="ads",
        config_file=str(config.rename(tmp_path / "moved.yaml") if moved else config),
        started_at="2026-01-01T00:00:00+00:00",
        state="succeeded",
        destination=str(output / "pushed"),
        version=4,
    )
    if moved:
        (tmp_path / "moved.yaml").unlink()
    write_record(run, record)
    monkeypatch.chdir(tmp_path)
    found = options(ServeRequest(parse([])))
    assert [model.name for model in found.models] == ["ads"]
    assert (found.batching is None) is moved
    assert (found.models[0].logging is None) is moved


def test_served_flags_name_the_model_as_in_tensorflow_serving() -> None:
    found = options(ServeRequest(parse(["--model_base_path=/models/x", "--model_name=x"])))
    assert found.models == (ModelSettings("x", Path("/models/x")),)
    assert found.rest_port is None


def test_served_nothing_named_and_nothing_pushed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="a folder must be given where no run has pushed"):
        options(ServeRequest(parse([])))


def test_served_folder_without_a_push_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold a pushed model"):
        options(ServeRequest(parse([str(tmp_path)])))


@pytest.mark.parametrize(
    ("words", "config", "output", "message"),
    [
        (["a", "b"], None, None, "FOLDER must be one folder; got a b"),
        (["a", "--model_base_path=/m"], None, None, "got a, --model_base_path"),
        (["a"], Path("c"), None, "got a, --config c"),
        (["--model_config_file=/m"], Path("c"), None, "got --config c, --model_config_file"),
        ([], None, Path("o"), "--output must come with --config; got o alone"),
    ],
)
def test_served_model_must_be_named_once(
    words: list[str], config: Path | None, output: Path | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        options(ServeRequest(parse(words), config, output))


def test_serve_help_shows_tensorflow_servings_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["serve", "--help"])
    shown = capsys.readouterr().out
    assert "--config PATH" in shown
    assert "\n  --batching_parameters_file\n" in shown


def test_serve_refuses_a_flag_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["serve", os.curdir, "--port", "0", "--enable_batchin"])
    assert capsys.readouterr().err == (
        "error: --enable_batchin is not a flag of this server; did you mean --enable_batching?\n"
    )


def test_serve_shows_versions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["serve", "--version"])
    assert "TensorFlow Library: " in capsys.readouterr().out
