"""The accumulator of all columns."""

import numpy as np

from rankbeam.transform.analysis.analyzer import SummarizeFn
from rankbeam.transform.analysis.summary import Batch, Summary
from rankbeam.transform.plan import Plan
from tests.transform.running import options_of

PLAN = Plan.of(
    options_of(
        {
            "word": {"kind": "categorical"},
            "logged": {"kind": "numeric", "scaling": "log"},
            "bucketed": {"kind": "numeric", "scaling": "quantile_buckets"},
        }
    )
)


def _batch(generator: np.random.Generator, rows: int) -> Batch:
    keys = np.empty(rows, object)
    keys[:] = [b"0:%d" % draw for draw in generator.integers(0, 9, rows).tolist()]
    numbers = generator.normal(size=(rows, 2))
    numbers[generator.random((rows, 2)) < 0.2] = np.nan
    return keys, numbers


def _results(summary: Summary) -> list[object]:
    words, counts = summary.keys.sorted_by_value()
    moments = [one.mean_and_deviation() for one in summary.moments + summary.log_moments]
    boundaries = summary.histograms[0].boundaries(5).tolist()
    return [words.to_pylist(), counts.tolist(), moments, boundaries]


def test_summary_gives_each_column_its_own_numbers() -> None:
    summary = Summary.empty(PLAN)
    keys = np.array([b"0:a", b"0:a"], object)
    # Of the columns themselves (logged, bucketed), then of the first after the log.
    summary.add((keys, np.array([[0.0, np.nan], [np.nan, 8.0], [np.e - 1, np.nan]])))
    summary.fold()
    half, half_log = (np.e - 1) / 2, np.log1p(np.e - 1) / 2
    moments = [(half, half), (8.0, 0.0), (half_log, half_log)]
    assert _results(summary) == [[b"0:a"], [2], moments, [8.0] * 4]


def test_summary_combine_does_not_depend_on_the_split() -> None:
    generator = np.random.default_rng(10)
    # Enough numbers to fold more than once (4 MiB hold 262,144 rows of two).
    batches = [_batch(generator, rows) for rows in (200_000, 90_000, 1, 0, 5_000)]
    combine = SummarizeFn(PLAN)
    one = combine.create_accumulator()
    for batch in batches:
        one = combine.add_input(one, batch)
    parts = []
    for batch in reversed(batches):
        part = combine.add_input(combine.create_accumulator(), batch)
        parts.append(combine.compact(part))
    merged = combine.merge_accumulators(parts)
    assert _results(combine.extract_output(merged)) == _results(combine.extract_output(one))
