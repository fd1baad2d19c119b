"""From flags to a server's options: files are read, and flags are held against each other."""

from collections.abc import Callable
from pathlib import Path

from rankbeam.serving.flags import Flags
from rankbeam.serving.servable import SessionSettings
from rankbeam.serving.server_options import ServerOptions, default_threads
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.settings.batching_file import read_batching
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.settings.model import ModelSettings, local_base_path
from rankbeam.serving.settings.model_config import read_models
from rankbeam.serving.settings.monitoring import MonitoringSettings, read_monitoring
from rankbeam.serving.settings.tls import read_tls
from rankbeam.transform.errors import ConfigError

Models = Callable[[], tuple[ModelSettings, ...]]

# TensorFlow Serving's name for the threads where no batching parameters file is given.
_BATCH_THREADS = "model_server_batch_threads"


def no_models() -> tuple[ModelSettings, ...]:
    """What is served where neither model flags nor anything else name a model.

    Raises:
        ConfigError: always.
    """
    raise ConfigError("--model_base_path or --model_config_file must be given; got neither")


def server_options(flags: Flags, otherwise: Models = no_models) -> ServerOptions:
    """The options that flags stand for.

    Args:
        flags: the command line.
        otherwise: finds the models where no flag names any.

    Raises:
        ConfigError: flags exclude each other, or a file cannot be used.
    """
    rest_port = flags.whole("rest_api_port") or None
    if rest_port is not None and rest_port == flags.whole("port"):
        raise ConfigError(f"--rest_api_port must differ from --port; got {rest_port} twice")
    threads = max(flags.whole("grpc_max_threads"), flags.whole("rest_api_num_threads"))
    tls, monitoring = _file(flags, "ssl_config_file"), _file(flags, "monitoring_config_file")
    return ServerOptions(
        models=_models(flags, otherwise),
        host=flags.text("host"),
        port=flags.whole("port"),
        rest_port=rest_port,
        poll_wait_s=flags.number("file_system_poll_wait_seconds"),
        drain_timeout_s=flags.number("drain_timeout_seconds"),
        num_threads=threads or default_threads(),
        batching=_batching(flags),
        tls=None if tls is None else read_tls(tls),
        monitoring=MonitoringSettings() if monitoring is None else read_monitoring(monitoring),
        rest_timeout_s=flags.number("rest_api_timeout_in_ms") / 1e3,
        rest_cors=flags.on("rest_api_enable_cors_support"),
        grpc_arguments=_channel_arguments(flags.text("grpc_channel_arguments")),
        loading=_loading(flags),
        session=_session(flags),
        labels_for_unavailable=flags.on("allow_version_labels_for_unavailable_models"),
        check_method_names=flags.on("enable_signature_method_name_check"),
        health_service=flags.on("enable_grpc_healthcheck_service"),
        model_config_file=_file(flags, "model_config_file"),
        model_config_poll_s=flags.number("model_config_file_poll_wait_seconds"),
    )


def _file(flags: Flags, name: str) -> Path | None:
    text = flags.text(name)
    # The server may not stay in the folder that it was started from.
    return Path(text).absolute() if text else None


def _models(flags: Flags, otherwise: Models) -> tuple[ModelSettings, ...]:
    config = _file(flags, "model_config_file")
    if config is not None:
        return read_models(config)
    base_path = flags.text("model_base_path")
    if not base_path:
        return otherwise()
    name = flags.text("model_name")
    return (ModelSettings(name, local_base_path(name, base_path)),)


def _batching(flags: Flags) -> BatchingSettings | None:
    file = _file(flags, "batching_parameters_file")
    if not flags.on("enable_batching"):
        if file is not None:
            raise ConfigError(
                f"--batching_parameters_file must come with --enable_batching; got {file} alone"
            )
        return None
    if file is None:
        return BatchingSettings(thread_pool_name=_BATCH_THREADS)
    return read_batching(file)


def _loading(flags: Flags) -> LoadSettings:
    iterations = 0
    if flags.on("enable_model_warmup"):
        iterations = flags.whole("num_request_iterations_for_warmup") or 1
    return LoadSettings(
        warmup_iterations=iterations,
        max_retries=flags.whole("max_num_load_retries"),
        retry_interval_s=flags.number("load_retry_interval_micros") / 1e6,
    )


def _session(flags: Flags) -> SessionSettings:
    both = flags.whole("tensorflow_session_parallelism")
    intra = flags.whole("tensorflow_intra_op_parallelism")
    inter = flags.whole("tensorflow_inter_op_parallelism")
    if both and (intra or inter):
        raise ConfigError(
            "--tensorflow_session_parallelism must not be combined with "
            "--tensorflow_intra_op_parallelism or --tensorflow_inter_op_parallelism; "
            f"got {both} with {intra} and {inter}"
        )
    return SessionSettings(inter_op_threads=inter or both, intra_op_threads=intra or both)


def _channel_arguments(text: str) -> tuple[tuple[str, int | str], ...]:
    """`name=value` pairs; whole numbers become numbers, as in TensorFlow Serving."""
    found: list[tuple[str, int | str]] = []
    for pair in filter(None, text.split(",")):
        name, separator, value = pair.partition("=")
        if not name or not separator:
            raise ConfigError(
                f"--grpc_channel_arguments must be name=value with commas between; got {pair!r}"
            )
        try:
            found.append((name, int(value)))
        except ValueError:
            found.append((name, value))
    return tuple(found)
