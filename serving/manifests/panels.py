"""The dashboard's panels: what each shows, in PromQL, and in which unit. Pure data.

`$model` and `$job` are the dashboard's variables. TensorFlow Serving's own metrics are also what
Rankbeam's embedded server exports under the same names; those of the second row it alone has.
"""

from dataclasses import dataclass
from typing import Final

_TF: Final = ":tensorflow:serving:"
_LOADS: Final = ":tensorflow:cc:saved_model:"
_OURS: Final = "rankbeam_serving_"
_TF_MODEL: Final = 'job=~"$job",model_name=~"$model"'
_OUR_MODEL: Final = 'job=~"$job",model=~"$model"'
_QUANTILES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart.

    Attributes:
        title: its heading.
        text: what it shows, for the tooltip.
        unit: Grafana's id of the unit.
        queries: PromQL and the legend of its series.
    """

    title: str
    text: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def _rate(metric: str, labels: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{labels}}}[$__rate_interval]))"


def _quantiles(metric: str, labels: str, by: str) -> tuple[tuple[str, str], ...]:
    buckets = _rate(f"{metric}_bucket", labels, f"le, {by}")
    return tuple(
        (f"histogram_quantile({q}, {buckets})", f"p{q * 100:g} {{{{{by}}}}}") for q in _QUANTILES
    )


TENSORFLOW_SERVING: Final = (
    Panel(
        "Requests",
        "Requests a second, by status code.",
        "reqps",
        ((_rate(f"{_TF}request_count", _TF_MODEL, "model_name, status"), "{{status}}"),),
    ),
    Panel(
        "Failed requests",
        "Share of the requests that were not answered OK, by status code.",
        "percentunit",
        (
            (
                _rate(f"{_TF}request_count", f'{_TF_MODEL},status!="OK"', "model_name, status")
                + " / on (model_name) group_left "
                + _rate(f"{_TF}request_count", _TF_MODEL, "model_name"),
                "{{status}}",
            ),
        ),
    ),
    Panel(
        "Latency",
        "From request to answer inside the server.",
        "µs",
        _quantiles(f"{_TF}request_latency", _TF_MODEL, "API"),
    ),
    Panel(
        "Latency in TensorFlow",
        "The model's own part of it.",
        "µs",
        _quantiles(f"{_TF}runtime_latency", _TF_MODEL, "runtime"),
    ),
    Panel(
        "Batches",
        "Runs of the model a second, with batching on.",
        "short",
        ((_rate(f"{_TF}batching_session:wrapped_run_count", 'job=~"$job"', "job"), "batches/s"),),
    ),
    Panel(
        "Wait for a batch",
        "How long requests wait until their batch runs.",
        "µs",
        _quantiles(f"{_TF}batching_session:queuing_latency", 'job=~"$job"', "thread_pool_name"),
    ),
    Panel(
        "Examples per request",
        "Candidates of a request, where it carries tf.Examples (Classify and Regress).",
        "short",
        _quantiles(f"{_TF}request_example_counts", _OUR_MODEL, "model"),
    ),
    Panel(
        "Versions loaded",
        "Attempts to load a version since each server's start, by outcome.",
        "short",
        (
            (
                f'sum by (model_path, status) ({_LOADS}load_attempt_count{{job=~"$job"}})',
                "{{model_path}} {{status}}",
            ),
        ),
    ),
)

EMBEDDED_SERVER: Final = (
    Panel(
        "Requests by version",
        "Requests a second, by version, signature and status code.",
        "reqps",
        (
            (
                _rate(f"{_OURS}requests_total", _OUR_MODEL, "version, signature, code"),
                "{{version}} {{signature}} {{code}}",
            ),
        ),
    ),
    Panel(
        "Latency by version",
        "From request to answer, whatever the answer.",
        "s",
        _quantiles(f"{_OURS}request_seconds", _OUR_MODEL, "version"),
    ),
    Panel(
        "Candidates",
        "Candidates scored a second, by version.",
        "short",
        ((_rate(f"{_OURS}candidates_total", _OUR_MODEL, "version"), "{{version}}"),),
    ),
    Panel(
        "Batch size",
        "Candidates of a batch, before padding.",
        "short",
        _quantiles(f"{_OURS}batch_size", _OUR_MODEL, "signature"),
    ),
    Panel(
        "Wait for a batch",
        "How long requests wait until their batch runs.",
        "s",
        _quantiles(f"{_OURS}queue_seconds", _OUR_MODEL, "signature"),
    ),
    Panel(
        "Versions",
        "Servers that have a version in this state.",
        "short",
        (
            (
                f"sum by (version, state) ({_OURS}version_state{{{_OUR_MODEL}}})",
                "{{version}} {{state}}",
            ),
        ),
    ),
    Panel(
        "Loads",
        "Versions that were loaded, or failed to, within the interval.",
        "short",
        (
            (
                f"sum by (outcome) (increase({_OURS}loads_total{{{_OUR_MODEL}}}"
                "[$__rate_interval]))",
                "{{outcome}}",
            ),
        ),
    ),
    Panel(
        "Request log",
        "Records written and dropped a second; dropped ones should be none.",
        "cps",
        (
            (_rate(f"{_OURS}request_log_written_total", _OUR_MODEL, "model"), "written"),
            (_rate(f"{_OURS}request_log_dropped_total", _OUR_MODEL, "model"), "dropped"),
        ),
    ),
)
