"""What a server counts, for Prometheus: under TensorFlow Serving's names, and finer under ours.

TensorFlow Serving's names, labels and buckets are those of its `servables/tensorflow/util.cc`,
`batching/batching_session.cc` and `core/request_logger.cc` with `/` printed as `:`, so that a
dashboard made for one server shows the other. The finer ones begin with `rankbeam_serving_`.
"""

from collections.abc import Iterable, Mapping, Sequence

import grpc
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rankbeam.serving.engine.tallies import Counts, Distributions, exponential

_TF = ":tensorflow:serving:"
_OURS = "rankbeam_serving_"
_MICROSECONDS = 1e6

_SECONDS_BOUNDS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_QUEUE_BOUNDS = (*(0.0001, 0.00025), *_SECONDS_BOUNDS)
_TF_LATENCY_BOUNDS = exponential(10, 1.8, 33)
_TF_QUEUE_BOUNDS = exponential(100, 1.2, 52)
_SIZE_BOUNDS = exponential(1, 2, 15)

_REQUEST_LABELS = ("model", "version", "signature", "method", "api")


class _Requests:
    """The tallies that every request adds to."""

    def __init__(self) -> None:
        self.tf_count = Counts(
            f"{_TF}request_count",
            "Requests, by status code.",
            ("model_name", "status"),
            kind="unknown",
        )
        self.tf_latency = Distributions(
            f"{_TF}request_latency",
            "Microseconds from request to answer, where the answer is OK.",
            ("model_name", "API", "entrypoint"),
            _TF_LATENCY_BOUNDS,
        )
        self.tf_runtime = Distributions(
            f"{_TF}runtime_latency",
            "Microseconds in TensorFlow's runtime.",
            ("model_name", "API", "runtime"),
            _TF_LATENCY_BOUNDS,
        )
        self.tf_examples = Distributions(
            f"{_TF}request_example_counts", "Examples per request.", ("model",), _SIZE_BOUNDS
        )
        self.tf_examples_total = Counts(
            f"{_TF}request_example_count_total", "Examples.", ("model",)
        )
        self.total = Counts(
            f"{_OURS}requests_total", "Requests, by status code.", (*_REQUEST_LABELS, "code")
        )
        self.seconds = Distributions(
            f"{_OURS}request_seconds",
            "Seconds from request to answer, whatever the answer.",
            _REQUEST_LABELS,
            _SECONDS_BOUNDS,
        )
        self.candidates = Counts(
            f"{_OURS}candidates_total",
            "Candidates that were scored.",
            ("model", "version", "signature"),
        )


class _Batches:
    """The tallies of dynamic batching."""

    def __init__(self) -> None:
        self.size = Distributions(
            f"{_OURS}batch_size",
            "Candidates per batch, before padding.",
            ("model", "signature"),
            _SIZE_BOUNDS,
        )
        self.queue_seconds = Distributions(
            f"{_OURS}queue_seconds",
            "Seconds that a request waited for its batch.",
            ("model", "signature"),
            _QUEUE_BOUNDS,
        )
        self.tf_queuing = Distributions(
            f"{_TF}batching_session:queuing_latency",
            "Microseconds that a request waited for its batch.",
            ("thread_pool_name",),
            _TF_QUEUE_BOUNDS,
        )
        self.tf_runs = Counts(
            f"{_TF}batching_session:wrapped_run_count", "Batches that were run.", (), kind="unknown"
        )


class _Lives:
    """The tallies of versions and of the request log."""

    def __init__(self) -> None:
        self.states = Counts(
            f"{_OURS}version_state",
            "1 for the state that a version is in.",
            ("model", "version", "state"),
            kind="gauge",
        )
        self.loads = Counts(
            f"{_OURS}loads_total", "Versions that were loaded, or failed to.", ("model", "outcome")
        )
        self.log_dropped = Counts(
            f"{_OURS}request_log_dropped_total",
            "Sampled requests that were not written to the request log.",
            ("model",),
        )
        self.log_written = Counts(
            f"{_OURS}request_log_written_total", "Requests written to the request log.", ("model",)
        )
        self.tf_log = Counts(
            f"{_TF}request_log_count",
            "Requests offered to the request log, by status code.",
            ("model_name", "status_code"),
            kind="unknown",
        )


class _Archive:
    """The tallies of the request log's archive."""

    def __init__(self) -> None:
        self.moved = Counts(
            f"{_OURS}request_log_archived_files_total",
            "Finished files of the request log that were moved to its archive.",
            ("model",),
        )
        self.failures = Counts(
            f"{_OURS}request_log_archive_failures_total",
            "Tries to move such a file that failed.",
            ("model",),
        )
        self.left = Counts(
            f"{_OURS}request_log_unarchived_files",
            "Finished files of the request log that are not in its archive yet.",
            ("model",),
            kind="gauge",
        )


class Metrics(Collector):
    """One server's metrics, in a registry of their own; safe to use from any thread.

    Label values must come from models that exist: pass the empty string for a model or signature
    that a client made up, so that no client can add series without bound.
    """

    def __init__(self) -> None:
        self._requests, self._batches = _Requests(), _Batches()
        self._lives, self._archive = _Lives(), _Archive()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def observe(
        self,
        *,
        model: str,
        version: int | None,
        signature: str,
        method: str,
        api: str,
        code: grpc.StatusCode,
        seconds: float,
        candidates: int,
        runtime_seconds: float | None = None,
    ) -> None:
        """Counts one request that was answered.

        Args:
            model: the model's name, or "".
            version: the version that answered; None where none did.
            signature: the signature's name, or "".
            method: the method as TensorFlow Serving labels it: `Predict` and so on over gRPC,
                `predict` and so on over REST.
            api: `gRPC` or `REST`.
            code: the answer's status.
            seconds: from request to answer.
            candidates: the examples or rows that were scored.
            runtime_seconds: of that, in TensorFlow; None where it was not entered.
        """
        tallies = self._requests
        number = "" if version is None else str(version)
        labels = (model, number, signature, method, api)
        tallies.tf_count.add((model, code.name))
        tallies.total.add((*labels, code.name))
        tallies.seconds.add(labels, seconds)
        if runtime_seconds is not None:
            tallies.tf_runtime.add((model, method, "TF1"), runtime_seconds * _MICROSECONDS)
        if code is not grpc.StatusCode.OK:
            return
        tallies.tf_latency.add((model, method, api.upper()), seconds * _MICROSECONDS)
        if candidates:
            tallies.tf_examples.add((model,), candidates)
            tallies.tf_examples_total.add((model,), candidates)
            tallies.candidates.add((model, number, signature), candidates)

    def observe_batch(
        self, *, model: str, signature: str, size: int, waited: Sequence[float]
    ) -> None:
        """Counts one batch that is about to run.

        Args:
            model: the model's name.
            signature: the signature's name.
            size: the candidates in it.
            waited: the seconds that each of its requests waited.
        """
        self._batches.size.add((model, signature), size)
        self._batches.tf_runs.add(())
        self._batches.queue_seconds.add((model, signature), *waited)
        self._batches.tf_queuing.add((model,), *(wait * _MICROSECONDS for wait in waited))

    def count_load(self, *, model: str, outcome: str) -> None:
        """Counts a load that ended, with `ok` or the status code's name."""
        self._lives.loads.add((model, outcome))

    def set_version_states(self, model: str, states: Mapping[int, str]) -> None:
        """Says in which state each version of a model is; versions left out are forgotten."""
        old = [labels for labels in self._lives.states.labels() if labels[0] == model]
        new = [(model, str(version), state) for version, state in states.items()]
        self._lives.states.replace(old, new)

    def count_log_written(self, model: str, count: int = 1) -> None:
        """Counts requests that were written to the request log."""
        self._lives.log_written.add((model,), count)
        self._lives.tf_log.add((model, "OK"), count)

    def count_log_dropped(self, model: str, count: int = 1) -> None:
        """Counts sampled requests that the request log could not take."""
        self._lives.log_dropped.add((model,), count)
        self._lives.tf_log.add((model, "RESOURCE_EXHAUSTED"), count)

    def count_log_archived(self, model: str) -> None:
        """Counts a finished file of the request log that was moved to its archive."""
        self._archive.moved.add((model,))

    def count_log_archive_failure(self, model: str) -> None:
        """Counts a try to move a finished file that failed."""
        self._archive.failures.add((model,))

    def set_log_unarchived(self, model: str, files: int) -> None:
        """Says how many finished files of the request log are not in its archive yet."""
        self._archive.left.put((model,), files)

    def collect(self) -> Iterable[Metric]:
        """All families, for `prometheus_client`."""
        for group in (self._requests, self._batches, self._lives, self._archive):
            for tally in vars(group).values():
                yield tally.family()

    def exposition(self) -> bytes:
        """The page that Prometheus scrapes: its text format, version 0.0.4, in UTF-8."""
        # The only families without a type are the counters under names without `_total`, for
        # which the library has no notation; TensorFlow Serving calls them counters.
        return generate_latest(self.registry).replace(b" untyped\n", b" counter\n")
