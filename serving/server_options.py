"""What an embedded server serves, where and how: the sum of its flags."""

from dataclasses import dataclass, field
from pathlib import Path

from rankbeam.serving.cores import usable_cores
from rankbeam.serving.servable import SessionSettings
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.monitoring import MonitoringSettings
from rankbeam.serving.settings.tls import TlsSettings


def default_threads() -> int:
    """How many graphs run at the same time: one for each core, and at least two.

    More would share the cores in turns, so that all of them end late: with four for each core the
    99th percentile of 8 requests of 100 candidates is half as high again, at the same rate. The
    second thread of a single core is for what comes while a long call runs.
    """
    return max(2, usable_cores())


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """A server's settings.

    Attributes:
        models: what to serve, at first; a reload replaces it.
        host: the interface to listen on; `0.0.0.0` is all of them.
        port: gRPC port; 0 takes a free one.
        rest_port: REST port; 0 takes a free one, None serves no REST.
        poll_wait_s: seconds between two looks at the base paths; 0 looks once, and only tries again
            to load what it found.
        drain_timeout_s: seconds that requests under way get to end when the server stops.
        num_threads: graphs that run at the same time, where batching is off.
        batching: gathers requests into batches; None runs each alone.
        tls: certificates of the gRPC port; None for plain text.
        rest_tls: whether the REST port uses them too; TensorFlow Serving's is plain HTTP.
        monitoring: whether and where the REST port shows metrics.
        max_message_bytes: longer REST bodies are refused; gRPC's limit is a channel argument.
        rest_timeout_s: seconds until a REST request is answered 504.
        rest_cors: whether pages of other origins may call the REST port.
        grpc_arguments: gRPC channel arguments, name and value.
        loading: warm-up, and what happens after a version failed.
        session: TensorFlow's thread pools.
        labels_for_unavailable: whether a new label may name a version that does not serve.
        check_method_names: whether Classify and Regress demand signatures declared for them.
        health_service: whether gRPC's health service is there.
        model_config_file: read again every `model_config_poll_s` seconds; None for never.
        model_config_poll_s: see `model_config_file`; 0 for never.
    """

    models: tuple[ModelSettings, ...]
    host: str = "127.0.0.1"
    port: int = 8500
    rest_port: int | None = None
    poll_wait_s: float = 1.0
    drain_timeout_s: float = 30.0
    num_threads: int = field(default_factory=default_threads)
    batching: BatchingSettings | None = None
    tls: TlsSettings | None = None
    rest_tls: bool = False
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    max_message_bytes: int = 1 << 28
    rest_timeout_s: float = 30.0
    rest_cors: bool = False
    grpc_arguments: tuple[tuple[str, int | str], ...] = ()
    loading: LoadSettings = field(default_factory=LoadSettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    labels_for_unavailable: bool = False
    check_method_names: bool = False
    health_service: bool = True
    model_config_file: Path | None = None
    model_config_poll_s: float = 0.0
