"""The server's process: TensorFlow Serving's command lines, exit codes, what is printed."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from rankbeam import __version__
from rankbeam.serving.client import PredictClient
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_main import main
from tests.serving import tiny_models
from tests.serving.waiting import wait_until


def test_server_main_version_is_shown_as_tensorflow_serving_shows_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--version"]) == 0
    shown = capsys.readouterr().out
    assert shown == f"Rankbeam ModelServer: {__version__}\nTensorFlow Library: {tf.__version__}\n"


def test_server_main_help_shows_the_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "\n  --model_base_path\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--model_base_path or --model_config_file must be given; got neither"),
        (["--model_base_path=/m", "--nope"], "--nope is not a flag of this server"),
        (["--model_base_path=/m", "--port=x"], "--port must be a whole number; got 'x'"),
        (["/m"], "must be given flags alone; got /m"),
        (["--use_alts_credentials"], "--use_alts_credentials must be false on this server"),
    ],
)
def test_server_main_wrong_flags_exit_with_the_configs_code(
    flags: list[str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(flags) == 2
    assert message in caplog.text


def test_server_main_labels_that_name_nothing_exit_with_the_configs_code(
    base_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "models.config"
    file.write_text(
        f'model_config_list {{ config {{ name: "m" base_path: "{base_path}" '
        'model_platform: "tensorflow" version_labels { key: "stable" value: 1 } } }'
    )
    assert main([f"--model_config_file={file}", "--port=0"]) == 2
    assert "Request to assign label to version 1 of model m" in caplog.text
    assert "--allow_version_labels_for_unavailable_models permits that" in caplog.text


def test_server_main_port_in_use_exits_with_the_faults_code(
    server: ModelServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = main(["--model_name=a", f"--model_base_path={tmp_path}", f"--port={server.port}"])
    assert code == 5
    assert f"cannot listen on 127.0.0.1:{server.port}" in caplog.text


@pytest.mark.slow
def test_server_main_serves_a_command_line_of_tensorflow_model_server(
    saved_model: Path, biased_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(saved_model, tmp_path / "ads" / "1")
    shutil.copytree(biased_model, tmp_path / "shop" / "3")
    entry = 'config { name: "NAME" base_path: "ROOT/NAME" model_platform: "tensorflow" }'
    entries = [entry.replace("NAME", n).replace("ROOT", str(tmp_path)) for n in ("ads", "shop")]
    (tmp_path / "models").write_text(f"model_config_list {{ {' '.join(entries)} }}")
    (tmp_path / "batching").write_text("max_batch_size { value: 64 }")
    command = [
        *(sys.executable, "-m", "rankbeam.serving.server_main", "--port=0", "--enable_batching"),
        f"--batching_parameters_file={tmp_path}/batching",
        f"--model_config_file={tmp_path}/models",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            target = f"127.0.0.1:{json.loads(process.stdout.readline())['grpc_port']}"
            for name, bias in (("ads", 0.0), ("shop", 1.0)):
                with PredictClient(target, name) as client:
                    wait_until(lambda: client.status()[0].state == "AVAILABLE")
                    answer = client.predict_examples(tiny_models.examples())
                expected = tiny_models.oracle(bias=bias)["click"]
                assert answer["click"] == pytest.approx(expected, abs=2e-7)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
