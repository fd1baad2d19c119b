"""From command lines to options: what a flag sets, and which flags exclude each other."""

import re
from pathlib import Path

import pytest

from rankbeam.serving.flag_options import server_options
from rankbeam.serving.flags import parse
from rankbeam.serving.policy import All
from rankbeam.serving.servable import SessionSettings
from rankbeam.serving.server_options import ServerOptions, default_threads
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.monitoring import MonitoringSettings
from rankbeam.transform.errors import ConfigError

_BASE = ("--model_name=ads", "--model_base_path=/models/ads")
_MODEL = ModelSettings("ads", Path("/models/ads"))


def _options(*words: str) -> ServerOptions:
    return server_options(parse([*_BASE, *words]))


def test_flag_options_without_more_are_tensorflow_servings() -> None:
    assert _options() == ServerOptions(
        (_MODEL,),
        check_method_names=False,
        loading=LoadSettings(warmup_iterations=1, max_retries=5, retry_interval_s=60.0),
    )


def test_flag_options_carry_every_number() -> None:
    words = """
        --port=1 --rest_api_port=2 --host=0.0.0.0 --rest_api_timeout_in_ms=1500
        --rest_api_num_threads=3 --grpc_max_threads=7 --rest_api_enable_cors_support
        --grpc_channel_arguments=grpc.max_connection_age_ms=2000,a.b=c
        --enable_grpc_healthcheck_service=false --drain_timeout_seconds=2.5
        --file_system_poll_wait_seconds=0 --allow_version_labels_for_unavailable_models
        --max_num_load_retries=0 --load_retry_interval_micros=-1
        --num_request_iterations_for_warmup=4 --tensorflow_intra_op_parallelism=5
        --tensorflow_inter_op_parallelism=6 --enable_signature_method_name_check=true
    """
    assert _options(*words.split()) == ServerOptions(
        (_MODEL,),
        host="0.0.0.0",
        port=1,
        rest_port=2,
        poll_wait_s=0.0,
        drain_timeout_s=2.5,
        num_threads=7,
        rest_timeout_s=1.5,
        rest_cors=True,
        grpc_arguments=(("grpc.max_connection_age_ms", 2000), ("a.b", "c")),
        loading=LoadSettings(warmup_iterations=4, max_retries=0, retry_interval_s=-1e-6),
        session=SessionSettings(inter_op_threads=6, intra_op_threads=5),
        labels_for_unavailable=True,
        check_method_names=True,
        health_service=False,
    )


def test_flag_options_read_the_files_they_name(tmp_path: Path) -> None:
    (tmp_path / "batching").write_text("max_batch_size { value: 16 }")
    (tmp_path / "monitoring").write_text('prometheus_config { enable: true path: "/m" }')
    pem = "-----BEGIN X-----"
    (tmp_path / "ssl").write_text(f'server_key: "{pem}" server_cert: "{pem}"')
    options = _options(
        "--enable_batching",
        f"--batching_parameters_file={tmp_path}/batching",
        f"--monitoring_config_file={tmp_path}/monitoring",
        f"--ssl_config_file={tmp_path}/ssl",
    )
    assert options.batching == BatchingSettings(max_batch_size=16)
    assert options.monitoring == MonitoringSettings(path="/m")
    assert options.tls is not None
    assert (options.tls.server_key, options.rest_tls) == (pem, False)


def test_flag_options_model_config_file_counts_before_the_model_flags(tmp_path: Path) -> None:
    file = tmp_path / "models"
    file.write_text(
        'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" '
        "model_version_policy { all { } } } }"
    )
    options = _options(f"--model_config_file={file}", "--model_config_file_poll_wait_seconds=9")
    assert options.models == (ModelSettings("m", Path("/m"), All()),)
    assert (options.model_config_file, options.model_config_poll_s) == (file, 9.0)


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ((), None),
        (("--enable_batching=false",), None),
        (("--enable_batching",), BatchingSettings(thread_pool_name="model_server_batch_threads")),
    ],
)
def test_flag_options_batching_is_off_by_default(
    words: tuple[str, ...], settings: BatchingSettings | None
) -> None:
    assert _options(*words).batching == settings


@pytest.mark.parametrize(
    ("words", "iterations"),
    [
        (("--num_request_iterations_for_warmup=0",), 1),
        (("--num_request_iterations_for_warmup=3",), 3),
        (("--enable_model_warmup=false", "--num_request_iterations_for_warmup=3"), 0),
    ],
)
def test_flag_options_warm_up_once_unless_told(words: tuple[str, ...], iterations: int) -> None:
    assert _options(*words).loading.warmup_iterations == iterations


@pytest.mark.parametrize(
    ("words", "threads"),
    [
        (("--rest_api_num_threads=3",), 3),
        (("--rest_api_num_threads=3", "--grpc_max_threads=2"), 3),
        ((), default_threads()),
    ],
)
def test_flag_options_fronts_share_the_larger_number_of_threads(
    words: tuple[str, ...], threads: int
) -> None:
    assert _options(*words).num_threads == threads


def test_flag_options_session_parallelism_sets_both_pools() -> None:
    session = _options("--tensorflow_session_parallelism=3").session
    assert session == SessionSettings(inter_op_threads=3, intra_op_threads=3)


def test_flag_options_find_models_elsewhere_only_where_no_flag_names_any() -> None:
    found = server_options(parse(["--port=0"]), lambda: (ModelSettings("x", Path("/x")),))
    assert [model.name for model in found.models] == ["x"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--port=1"],
            "--model_base_path or --model_config_file must be given; got neither",
        ),
        (
            ["--model_base_path=models/ads"],
            "Expected model default to have an absolute path or URI; got base_path()=models/ads",
        ),
        (
            [*_BASE, "--port=8501", "--rest_api_port=8501"],
            "--rest_api_port must differ from --port; got 8501 twice",
        ),
        (
            [*_BASE, "--batching_parameters_file=/b"],
            "--batching_parameters_file must come with --enable_batching; got /b alone",
        ),
        (
            [*_BASE, "--tensorflow_session_parallelism=2", "--tensorflow_intra_op_parallelism=1"],
            "--tensorflow_session_parallelism must not be combined with "
            "--tensorflow_intra_op_parallelism or --tensorflow_inter_op_parallelism; "
            "got 2 with 1 and 0",
        ),
        (
            [*_BASE, "--grpc_channel_arguments=a=1,b"],
            "--grpc_channel_arguments must be name=value with commas between; got 'b'",
        ),
        (["--model_name=", "--model_base_path=/m"], "name must not be empty; got ''"),
    ],
)
def test_flag_options_that_cannot_be_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        server_options(parse(words))
