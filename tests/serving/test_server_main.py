"""The server's command line: TensorFlow Serving's flag names, and what a wrong one does."""

from pathlib import Path

import pytest

from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_main import main, parse
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings


@pytest.mark.parametrize("separator", ["_", "-"])
def test_server_main_takes_flags_in_both_spellings(separator: str) -> None:
    flags = [
        "--model_name=ads",
        "--model_base_path=/models/ads",
        "--port=0",
        "--host=0.0.0.0",
        "--file_system_poll_wait_seconds=2",
        "--drain_timeout_seconds=3.5",
        "--num_threads=4",
    ]
    spelled = [flag.replace("_", separator) for flag in flags]
    assert parse(spelled) == ServerOptions(
        model_name="ads",
        base_path=Path("/models/ads"),
        host="0.0.0.0",
        port=0,
        poll_wait_s=2.0,
        drain_timeout_s=3.5,
        num_threads=4,
    )


def test_server_main_defaults_are_the_options_own() -> None:
    assert parse(["--model_name=ads", "--model_base_path=/m"]) == ServerOptions(
        (ModelSettings("ads", Path("/m")),)
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "required: --model_name"),
        (["--model_name=a"], "required: --model_base_path"),
        (["--model_name=a", "--model_base_path=b", "--port=x"], "invalid int value: 'x'"),
        (["--model_name=a", "--model_base_path=b", "--nope"], "unrecognized arguments: --nope"),
        (["--model_nam=a", "--model_base_path=b"], "required: --model_name"),
    ],
)
def test_server_main_wrong_flags_exit_with_usage(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(flags)
    assert message in capsys.readouterr().err


def test_server_main_port_in_use_exits_with_the_faults_code(
    server: ModelServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = main(["--model_name=a", f"--model_base_path={tmp_path}", f"--port={server.port}"])
    assert code == 5
    assert f"cannot listen on 127.0.0.1:{server.port}" in caplog.text
