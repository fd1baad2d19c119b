"""What TensorFlow Serving exports, by its own sources.

`servables/tensorflow/util.cc` and `batching/batching_session.cc` of TensorFlow Serving, and
`cc/saved_model/loader.cc` of TensorFlow, as `util/prometheus_exporter.cc` prints their names: every
character but letters, digits and `_` becomes `:`. Distributions get `_bucket`, `_sum`, `_count`.
"""

from typing import Final

_COUNTERS: Final = {
    ":tensorflow:serving:request_count": {"model_name", "status"},
    ":tensorflow:serving:request_example_count_total": {"model"},
    ":tensorflow:serving:batching_session:wrapped_run_count": set[str](),
    ":tensorflow:cc:saved_model:load_attempt_count": {"model_path", "status"},
}
_DISTRIBUTIONS: Final = {
    ":tensorflow:serving:request_latency": {"model_name", "API", "entrypoint"},
    ":tensorflow:serving:runtime_latency": {"model_name", "API", "runtime"},
    ":tensorflow:serving:request_example_counts": {"model"},
    ":tensorflow:serving:batching_session:queuing_latency": {"thread_pool_name"},
}

METRICS: Final = _COUNTERS | {
    f"{name}_{part}": labels | ({"le"} if part == "bucket" else set())
    for name, labels in _DISTRIBUTIONS.items()
    for part in ("bucket", "sum", "count")
}
