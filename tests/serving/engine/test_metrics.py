"""The metrics, read back by Prometheus's own parser."""

import gc
import threading

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.engine.tallies import Counts, Distributions

OK = grpc.StatusCode.OK
WITHOUT_TOTAL = {
    ":tensorflow:serving:request_count",
    ":tensorflow:serving:batching_session:wrapped_run_count",
    ":tensorflow:serving:request_log_count",
}


def _observe(
    metrics: Metrics, seconds: float = 0.0023, *, code: grpc.StatusCode = OK, candidates: int = 100
) -> None:
    metrics.observe(
        model="m",
        version=7,
        signature="serving_default",
        method="Predict",
        api="gRPC",
        code=code,
        seconds=seconds,
        candidates=candidates,
    )


def _samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (_printed(row.name), frozenset(row.labels.items())): row.value
        for family in families
        for row in family.samples
    }


def _printed(name: str) -> str:
    """The parser appends `_total` to counters that are printed without it; undo that."""
    bare = name.removesuffix("_total")
    return bare if bare in WITHOUT_TOTAL else name


def _value(metrics: Metrics, name: str, **labels: str) -> float:
    return _samples(metrics)[name, frozenset(labels.items())]


def test_request_is_counted_under_tensorflow_servings_names_and_labels() -> None:
    metrics = Metrics()
    _observe(metrics)
    _observe(metrics, code=grpc.StatusCode.INVALID_ARGUMENT)
    name = ":tensorflow:serving:request_count"
    assert _value(metrics, name, model_name="m", status="OK") == 1
    assert _value(metrics, name, model_name="m", status="INVALID_ARGUMENT") == 1
    latency = ":tensorflow:serving:request_latency"
    labels = {"model_name": "m", "API": "Predict", "entrypoint": "GRPC"}
    assert _value(metrics, f"{latency}_count", **labels) == 1  # failures have no latency there
    assert _value(metrics, f"{latency}_sum", **labels) == pytest.approx(2300)
    # 10 × 1.8^9 = 1,983 and 10 × 1.8^10 = 3,570 microseconds
    assert _value(metrics, f"{latency}_bucket", **labels, le="1983.59") == 0
    assert _value(metrics, f"{latency}_bucket", **labels, le="3570.47") == 1
    assert _value(metrics, f"{latency}_bucket", **labels, le="+Inf") == 1
    assert _value(metrics, ":tensorflow:serving:request_example_counts_sum", model="m") == 100
    assert _value(metrics, ":tensorflow:serving:request_example_count_total", model="m") == 100


def test_counters_without_total_in_their_names_are_typed_as_counters() -> None:
    metrics = Metrics()
    _observe(metrics)
    page = metrics.exposition().decode()
    assert "# TYPE :tensorflow:serving:request_count counter\n" in page
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 1.0\n' in page
    assert "untyped" not in page


def test_request_is_counted_by_version_and_signature() -> None:
    metrics = Metrics()
    _observe(metrics, 0.001)
    _observe(metrics, 0.02, code=grpc.StatusCode.NOT_FOUND, candidates=0)
    labels = {
        "model": "m",
        "version": "7",
        "signature": "serving_default",
        "method": "Predict",
        "api": "gRPC",
    }
    name = "rankbeam_serving_requests_total"
    assert _value(metrics, name, **labels, code="OK") == 1
    assert _value(metrics, name, **labels, code="NOT_FOUND") == 1
    seconds = "rankbeam_serving_request_seconds"
    assert _value(metrics, f"{seconds}_count", **labels) == 2
    assert _value(metrics, f"{seconds}_bucket", **labels, le="0.001") == 1
    assert _value(metrics, f"{seconds}_bucket", **labels, le="0.015") == 1
    assert _value(metrics, f"{seconds}_bucket", **labels, le="0.02") == 2
    scored = {"model": "m", "version": "7", "signature": "serving_default"}
    assert _value(metrics, "rankbeam_serving_candidates_total", **scored) == 100


def test_batches_and_queues_are_counted_under_both_names() -> None:
    metrics = Metrics()
    for size in (3, 64):
        metrics.observe_batch(model="m", signature="s", size=size, waited=[0.0001, 0.00015])
    labels = {"model": "m", "signature": "s"}
    assert _value(metrics, "rankbeam_serving_batch_size_bucket", **labels, le="4") == 1
    assert _value(metrics, "rankbeam_serving_batch_size_sum", **labels) == 67
    assert _value(metrics, "rankbeam_serving_queue_seconds_sum", **labels) == pytest.approx(0.0005)
    queuing = ":tensorflow:serving:batching_session:queuing_latency_sum"
    assert _value(metrics, queuing, thread_pool_name="m") == pytest.approx(500)
    assert _value(metrics, ":tensorflow:serving:batching_session:wrapped_run_count") == 2


def test_version_state_is_one_series_for_each_version_that_is_known() -> None:
    metrics = Metrics()
    metrics.set_version_states("m", {1: "AVAILABLE", 2: "LOADING"})
    metrics.set_version_states("other", {1: "START"})
    metrics.set_version_states("m", {2: "AVAILABLE"})
    states = {
        labels: value
        for (name, labels), value in _samples(metrics).items()
        if name == "rankbeam_serving_version_state"
    }
    assert states == {
        frozenset({"model": "m", "version": "2", "state": "AVAILABLE"}.items()): 1.0,
        frozenset({"model": "other", "version": "1", "state": "START"}.items()): 1.0,
    }


def test_archive_of_the_request_log_is_counted() -> None:
    metrics = Metrics()
    metrics.set_log_unarchived("m", 3)
    metrics.count_log_archive_failure("m")
    metrics.count_log_archived("m")
    metrics.count_log_archived("m")
    metrics.set_log_unarchived("m", 1)
    prefix = "rankbeam_serving_request_log"
    assert _value(metrics, f"{prefix}_unarchived_files", model="m") == 1
    assert _value(metrics, f"{prefix}_archive_failures_total", model="m") == 1
    assert _value(metrics, f"{prefix}_archived_files_total", model="m") == 2


def test_request_log_and_loads_are_counted() -> None:
    metrics = Metrics()
    metrics.count_log_written("m", 5)
    metrics.count_log_dropped("m", 2)
    metrics.count_load(model="m", outcome="DATA_LOSS")
    assert _value(metrics, "rankbeam_serving_request_log_written_total", model="m") == 5
    assert _value(metrics, "rankbeam_serving_request_log_dropped_total", model="m") == 2
    name = ":tensorflow:serving:request_log_count"
    assert _value(metrics, name, model_name="m", status_code="OK") == 5
    assert _value(metrics, "rankbeam_serving_loads_total", model="m", outcome="DATA_LOSS") == 1


def test_two_servers_of_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    _observe(first)
    assert "request_count{" in first.exposition().decode()
    assert "request_count{" not in second.exposition().decode()


def test_no_request_is_lost_between_threads() -> None:
    metrics = Metrics()

    def observe() -> None:
        for _ in range(2000):
            _observe(metrics)

    threads = [threading.Thread(target=observe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _value(metrics, ":tensorflow:serving:request_count", model_name="m", status="OK") == (
        16000
    )


def test_label_values_are_escaped() -> None:
    metrics = Metrics()
    metrics.count_load(model='a"b\\c\nd', outcome="ok")
    assert _value(metrics, "rankbeam_serving_loads_total", model='a"b\\c\nd', outcome="ok") == 1


class _Lost:
    """Counts itself when the collector finds it, as calls of an event loop that has gone."""

    more = False

    def __init__(self, tally: Counts | Distributions) -> None:
        self.itself, self.tally = self, tally

    def __del__(self) -> None:
        self.tally.add(("lost",), 1.0)
        if _Lost.more:
            _Lost(self.tally)


@pytest.mark.parametrize(
    "tally",
    [Counts("counts_total", "", ["row"]), Distributions("seconds", "", ["row"], [1.0])],
    ids=["counts", "distributions"],
)
def test_tallies_take_what_the_collector_counts_while_they_are_read(
    tally: Counts | Distributions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for row in range(100):
        tally.add((str(row),), 1.0)
    monkeypatch.setattr(_Lost, "more", True)

    def read() -> None:
        _Lost(tally)
        for _ in range(20):
            tally.family()
            tally.add(("read",), 1.0)

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(30)
    finally:
        gc.set_threshold(*thresholds)
    assert not reader.is_alive()
    labels = {next(iter(row.labels.values())) for row in tally.family().samples}
    assert {"lost", "read", "0", "99"} <= labels
