"""The flag parser: TensorFlow Serving's forms, and a named error for all that is not honoured."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rankbeam.serving.flag_table import FLAGS
from rankbeam.serving.flags import parse, usage
from rankbeam.transform.errors import ConfigError

# All flags that main.cc of TensorFlow Serving registers; a flag that is missing there is ours.
_TENSORFLOW_SERVINGS = """
    port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
    rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
    batching_parameters_file enable_per_model_batching_parameters model_config_file
    model_config_file_poll_wait_seconds model_name model_base_path num_load_threads
    num_unload_threads max_num_load_retries load_retry_interval_micros
    file_system_poll_wait_seconds flush_filesystem_caches tensorflow_session_parallelism
    tensorflow_session_config_file tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism
    use_alts_credentials ssl_config_file platform_config_file per_process_gpu_memory_fraction
    saved_model_tags grpc_channel_arguments grpc_max_threads enable_model_warmup
    num_request_iterations_for_warmup version monitoring_config_file
    remove_unused_fields_from_bundle_metagraph prefer_tflite_model num_tflite_pools
    num_tflite_interpreters_per_pool enable_signature_method_name_check
    xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler
    thread_pool_factory_config_file mixed_precision skip_initialize_tpu
    enable_grpc_healthcheck_service enable_serialization_as_tensor_content
"""


def test_flags_know_every_flag_of_tensorflow_model_server() -> None:
    ours, theirs = {flag.name for flag in FLAGS}, set(_TENSORFLOW_SERVINGS.split())
    assert theirs <= ours
    assert ours - theirs == {"host", "drain_timeout_seconds", "help"}
    assert len(ours) == len(FLAGS)


@pytest.mark.parametrize(
    "words",
    [
        ["--port=0", "--enable_batching", "--model_name=ads"],
        ["--port=0", "--enable_batching=true", "--model_name=ads"],
        ["--port", "0", "--enable-batching", "--model-name", "ads"],
        [
            "--port=1",
            "--enable_batching=false",
            "--model_name=ads",
            "--port=0",
            "--enable_batching",
        ],
    ],
)
def test_flags_come_in_all_forms(words: list[str]) -> None:
    flags = parse(words)
    assert flags.values == {"port": 0, "enable_batching": True, "model_name": "ads"}


def test_flags_values_may_hold_what_looks_like_syntax() -> None:
    flags = parse(["--grpc_channel_arguments=a=1,b=x", "--model_name=", "--model_base_path=/a b"])
    assert flags.text("grpc_channel_arguments") == "a=1,b=x"
    assert (flags.text("model_name"), flags.text("model_base_path")) == ("", "/a b")


def test_flags_boolean_takes_no_further_word() -> None:
    flags = parse(["--enable_batching", "folder", "--load_retry_interval_micros", "-1"])
    assert flags.positional == ("folder",)
    assert flags.whole("load_retry_interval_micros") == -1


def test_flags_not_given_have_tensorflow_servings_defaults() -> None:
    flags = parse([])
    assert flags.values == {}
    assert [flags.whole(name) for name in ("port", "rest_api_port")] == [8500, 0]
    assert flags.whole("rest_api_timeout_in_ms") == 30_000
    assert flags.text("model_name") == "default"
    assert flags.number("file_system_poll_wait_seconds") == 1.0
    assert flags.whole("max_num_load_retries") == 5
    assert flags.whole("load_retry_interval_micros") == 60_000_000
    assert [flags.on(name) for name in ("enable_model_warmup", "enable_batching")] == [True, False]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--prt=1", "--prt is not a flag of this server; did you mean --port?"),
        ("--zzzzzz", "--zzzzzz is not a flag of this server"),
        ("--port", "--port must have a value; got none"),
        ("--port=x", "--port must be a whole number; got 'x'"),
        ("--port=1.5", "--port must be a whole number; got '1.5'"),
        ("--port=", "--port must be a whole number; got ''"),
        ("--port=1_0", "--port must be a whole number; got '1_0'"),
        ("--port=65536", "--port must be <= 65535; got 65536"),
        ("--port=-1", "--port must be >= 0; got -1"),
        ("--rest_api_timeout_in_ms=0", "--rest_api_timeout_in_ms must be >= 1; got 0"),
        ("--enable_batching=1", "--enable_batching must be true or false; got '1'"),
        ("--drain_timeout_seconds=nan", "--drain_timeout_seconds must be a number; got 'nan'"),
        ("--drain_timeout_seconds=-1", "--drain_timeout_seconds must be >= 0; got -1"),
        ("--", "-- is not a flag of this server"),
    ],
)
def test_flags_that_are_wrong_are_named(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        parse([word])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("grpc_socket_path", "/run/x"),
        ("use_alts_credentials", "true"),
        ("enable_per_model_batching_parameters", "true"),
        ("num_load_threads", "4"),
        ("platform_config_file", "/x"),
        ("per_process_gpu_memory_fraction", "0.5"),
        ("saved_model_tags", "serve,gpu"),
        ("prefer_tflite_model", "true"),
        ("num_tflite_pools", "1"),
        ("xla_cpu_compilation_enabled", "true"),
        ("enable_profiler", "true"),
        ("mixed_precision", "bfloat16"),
        ("enable_serialization_as_tensor_content", "true"),
    ],
)
def test_flags_that_cannot_be_honoured_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^--{name} must .* on this server: .*; got {value}$"):
        parse([f"--{name}={value}"])


@pytest.mark.parametrize(
    "word",
    [
        "--use_alts_credentials=false",
        "--saved_model_tags=serve",
        "--num_load_threads=0",
        "--per_process_gpu_memory_fraction=0.0",
        "--enable_profiler=false",
        "--flush_filesystem_caches=false",
    ],
)
def test_flags_that_ask_for_what_is_done_anyway_are_taken(word: str) -> None:
    assert len(parse([word]).values) == 1


def test_flags_usage_names_all_that_can_be_honoured() -> None:
    text = usage()
    shown = set(re.findall(r"^  --(\w+)$", text, re.MULTILINE))
    assert shown == {flag.name for flag in FLAGS if flag.only is None}
    assert max(map(len, text.splitlines())) <= 100
    assert "Default: 8500." in text


def test_flags_are_read_without_tensorflow(tmp_path: Path) -> None:
    code = "import sys, rankbeam.serving.flags; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
