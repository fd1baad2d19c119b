"""Counts and distributions, cheap to add to, that become Prometheus families when asked.

The locks are reentrant, and iteration goes over copies, because the garbage collector may run at
any point of any thread, also under a lock. A call whose event loop has gone counts itself when the
collector ends it: it would wait for a lock that its own thread holds.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import Metric

Labels = tuple[str, ...]


class Counts:
    """One number per combination of label values.

    Args:
        name: the name as it stands in the exposition.
        text: one line of help.
        label_names: the labels, in the order in which values are given.
        kind: Prometheus's type. `unknown` for a counter whose name does not end in `_total`: the
            library would append that.
    """

    def __init__(
        self, name: str, text: str, label_names: Sequence[str], kind: str = "counter"
    ) -> None:
        self._name, self._text, self._kind = name, text, kind
        self._label_names = tuple(label_names)
        self._values: dict[Labels, float] = {}
        self._lock = threading.RLock()

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        """Adds to the number of these labels, which begins at 0."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0.0) + amount

    def put(self, labels: Labels, value: float) -> None:
        """Sets the number of these labels, for gauges."""
        with self._lock:
            self._values[labels] = value

    def replace(self, old: Iterable[Labels], new: Iterable[Labels]) -> None:
        """Takes some label values out and sets others to 1, for gauges that say which state is."""
        with self._lock:
            for labels in old:
                self._values.pop(labels, None)
            self._values.update(dict.fromkeys(new, 1.0))

    def labels(self) -> list[Labels]:
        """The label values with a number."""
        with self._lock:
            return list(self._values)

    def family(self) -> Metric:
        """The numbers as they are now."""
        metric = Metric(self._name.removesuffix("_total"), self._text, self._kind)
        with self._lock:
            rows = self._values.copy()
        for labels, value in sorted(rows.items()):
            metric.add_sample(self._name, dict(zip(self._label_names, labels, strict=True)), value)
        return metric


class Distributions:
    """One histogram per combination of label values.

    Args:
        name: the name as it stands in the exposition.
        text: one line of help.
        label_names: the labels, in the order in which values are given.
        bounds: the buckets' upper bounds, ascending; one without bound follows.
    """

    def __init__(
        self, name: str, text: str, label_names: Sequence[str], bounds: Sequence[float]
    ) -> None:
        self._name, self._text = name, text
        self._label_names = tuple(label_names)
        self._bounds = tuple(bounds)
        self._bound_texts = (*(f"{bound:g}" for bound in bounds), "+Inf")
        self._rows: dict[Labels, tuple[list[int], list[float]]] = {}
        self._lock = threading.RLock()

    def add(self, labels: Labels, *values: float) -> None:
        """Counts each value in its bucket."""
        with self._lock:
            row = self._rows.get(labels)
            if row is None:
                row = self._rows[labels] = ([0] * len(self._bound_texts), [0.0])
            counts, total = row
            for value in values:
                counts[bisect_left(self._bounds, value)] += 1
                total[0] += value

    def family(self) -> Metric:
        """The histograms as they are now."""
        metric = Metric(self._name, self._text, "histogram")
        with self._lock:
            rows = [
                (key, list(counts), total[0]) for key, (counts, total) in self._rows.copy().items()
            ]
        for values, counts, total in sorted(rows):
            labels = dict(zip(self._label_names, values, strict=True))
            cumulative = list(accumulate(counts))
            for bound, count in zip(self._bound_texts, cumulative, strict=True):
                metric.add_sample(f"{self._name}_bucket", {**labels, "le": bound}, count)
            metric.add_sample(f"{self._name}_sum", labels, total)
            metric.add_sample(f"{self._name}_count", labels, cumulative[-1])
        return metric


def exponential(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """`count` bounds from `scale` on, each `growth` times the one before."""
    return tuple(scale * growth**power for power in range(count))
