"""All flags of `tensorflow_model_server`, and what this server makes of each.

Source: tensorflow_serving/model_servers/main.cc and the defaults in server.h.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    Attributes:
        name: its name, without dashes.
        default: its value where it is not given; also tells the type.
        help: what it does; for one that cannot be honoured, why not.
        minimum: the least number it takes.
        maximum: the greatest.
        only: the values that can be honoured; None is all.
    """

    name: str
    default: Value
    help: str
    minimum: float | None = None
    maximum: float | None = None
    only: tuple[Value, ...] | None = None


_WHERE = (
    Flag("port", 8500, "gRPC port; 0 takes a free one.", 0, _MAX_PORT),
    Flag("rest_api_port", 0, "REST port; 0 serves no REST.", 0, _MAX_PORT),
    Flag("host", "127.0.0.1", "Interface to listen on; 0.0.0.0 is all of them."),
    Flag("rest_api_timeout_in_ms", 30_000, "Until a REST request is answered 504.", 1),
    Flag("rest_api_num_threads", 0, "As grpc_max_threads: the larger of the two counts.", 0),
    Flag("rest_api_enable_cors_support", False, "Lets pages of other origins call the REST port."),
    Flag("grpc_max_threads", 0, "Graphs that run at the same time; 0 is one for each core.", 0),
    Flag(
        "grpc_channel_arguments",
        "",
        "Arguments of the gRPC server: name=value, with commas between them.",
    ),
    Flag("enable_grpc_healthcheck_service", True, "gRPC's health service."),
    Flag("ssl_config_file", "", "SSLConfig: key and certificates of the gRPC port."),
    Flag("monitoring_config_file", "", "MonitoringConfig: whether and where metrics are shown."),
    Flag("drain_timeout_seconds", 30.0, "For requests under way when the server stops.", 0),
)

_MODELS = (
    Flag("model_name", "default", "Name that clients use for the model of model_base_path."),
    Flag("model_base_path", "", "Absolute path of the folder with the model's version folders."),
    Flag(
        "model_config_file",
        "",
        "ModelServerConfig: several models, policies, labels; model_name and model_base_path do "
        "not count then.",
    ),
    Flag(
        "model_config_file_poll_wait_seconds",
        0.0,
        "Between two readings of model_config_file; 0 reads it once.",
        0,
    ),
    Flag(
        "file_system_poll_wait_seconds",
        1.0,
        "Between two looks for new versions; 0 looks once (attempts at what it finds go on).",
        0,
    ),
    Flag(
        "allow_version_labels_for_unavailable_models",
        False,
        "Lets new labels name versions that do not serve yet.",
    ),
    Flag("max_num_load_retries", 5, "Further attempts at a version that failed.", 0),
    Flag(
        "load_retry_interval_micros",
        60_000_000,
        "Between two attempts, in microseconds; negative does not wait.",
    ),
    Flag("enable_model_warmup", True, "Runs a version's stored requests before it serves."),
    Flag("num_request_iterations_for_warmup", 0, "How often; 0 is once.", 0),
)

_RUNNING = (
    Flag("enable_batching", False, "Gathers requests into batches."),
    Flag("batching_parameters_file", "", "BatchingParameters: sizes, waiting time, threads."),
    Flag("tensorflow_session_parallelism", 0, "Sets both of the next two.", 0),
    Flag("tensorflow_intra_op_parallelism", 0, "Threads that share an operation; 0 is auto.", 0),
    Flag("tensorflow_inter_op_parallelism", 0, "Operations at the same time; 0 is auto.", 0),
    Flag(
        "enable_signature_method_name_check",
        False,
        "Classify and Regress demand signatures that are declared for them.",
    ),
    Flag("version", False, "Shows the versions of the server and of TensorFlow, and ends."),
    Flag("help", False, "Shows this, and ends."),
    # No caches, unused fields or TPUs here, whatever these say: they are honoured either way.
    Flag("flush_filesystem_caches", True, "No effect on local files, as in TensorFlow."),
    Flag("remove_unused_fields_from_bundle_metagraph", True, "No effect: none are kept."),
    Flag("skip_initialize_tpu", False, "No effect: there is no TPU."),
)


def _refused(
    rows: Iterable[tuple[str, Value, tuple[Value, ...], str]],
) -> tuple[Flag, ...]:
    return tuple(Flag(name, default, reason, only=only) for name, default, only, reason in rows)


_FILE_UNREAD = "it does not read that file"
_NO_TFLITE = "it runs no TensorFlow Lite"
_REFUSED = _refused(
    (
        ("grpc_socket_path", "", ("",), "it listens on TCP only"),
        ("use_alts_credentials", False, (False,), "it has no ALTS; see ssl_config_file"),
        (
            "enable_per_model_batching_parameters",
            False,
            (False,),
            "all models share one set of batching parameters",
        ),
        ("num_load_threads", 0, (0, 1), "it loads one version at a time, in a thread of its own"),
        ("num_unload_threads", 0, (0, 1), "the last request that holds a version unloads it"),
        ("tensorflow_session_config_file", "", ("",), _FILE_UNREAD),
        ("platform_config_file", "", ("",), _FILE_UNREAD),
        ("thread_pool_factory_config_file", "", ("",), _FILE_UNREAD),
        ("per_process_gpu_memory_fraction", 0.0, (0.0,), "TensorFlow decides"),
        ("saved_model_tags", "serve", ("serve",), "it loads the serving graph"),
        ("prefer_tflite_model", False, (False,), _NO_TFLITE),
        ("num_tflite_pools", 1, (), _NO_TFLITE),
        ("num_tflite_interpreters_per_pool", 1, (1,), _NO_TFLITE),
        ("xla_cpu_compilation_enabled", False, (False,), "it does not compile with XLA"),
        ("xla_gpu_compilation_enabled", False, (False,), "it does not compile with XLA"),
        ("enable_profiler", False, (False,), "it has no profiler service"),
        ("mixed_precision", "", ("",), "it runs graphs as they are"),
        (
            "enable_serialization_as_tensor_content",
            False,
            (False,),
            "answers hold values in typed fields, as by default",
        ),
    )
)

FLAGS: tuple[Flag, ...] = (*_WHERE, *_MODELS, *_RUNNING, *_REFUSED)
