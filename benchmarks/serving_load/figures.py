"""From latencies to figures. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def percentile(values: Sequence[float], quantile: float) -> float:
    """The quantile of sorted values, linear between neighbours as NumPy's default.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("percentile must have values; got none")
    place = quantile * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def summary(latencies: Iterable[float], seconds: float) -> dict[str, float]:
    """Requests, seconds, requests a second and latency percentiles (ms) of one measurement.

    No answer at all makes every percentile infinite: a side that is down must not look fast.
    """
    ordered = sorted(latencies)
    found = {
        name: 1e3 * percentile(ordered, quantile) if ordered else float("inf")
        for name, quantile in QUANTILES.items()
    }
    return {"requests": len(ordered), "seconds": seconds, "qps": len(ordered) / seconds, **found}


def over_rounds(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds."""
    return {
        name: statistics.median(figures[name] for figures in rounds) for name in ("qps", *QUANTILES)
    }


def spread(values: Sequence[float]) -> float:
    """How far rounds lie apart: (largest - least) / median."""
    return (max(values) - min(values)) / statistics.median(values)
