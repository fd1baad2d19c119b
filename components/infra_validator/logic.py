"""The verdict on a rehearsal, from two sets of answers. Pure: NumPy alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Answers = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the model may be served, why not, and how far the answers were apart.

    Attributes:
        blessed: whether it may.
        reason: one line naming output, rule and value; empty where it is blessed.
        max_abs_difference: output name -> largest difference, for outputs that can be compared.
    """

    blessed: bool
    reason: str
    max_abs_difference: Mapping[str, float]


def judge(
    in_process: Answers, served: Answers, *, num_rows: int, max_abs_difference: float
) -> Verdict:
    """Compares a server's answers with the model's own.

    Every output must be a probability for every row, on both sides, and the two must agree.

    Args:
        in_process: output name -> array, first axis the rows, of the model called directly.
        served: the same from the server.
        num_rows: rows that were asked for.
        max_abs_difference: the largest difference that is allowed.
    """
    names = sorted(set(in_process) & set(served))
    problems = list(_missing(in_process, served))
    differences = {}
    for name in names:
        mine, theirs = in_process[name], served[name]
        found = list(_shape_problems(name, mine, theirs, num_rows))
        if not found:
            found += _range_problems(name, "in-process", mine)
            found += _range_problems(name, "served", theirs)
        if not found:
            differences[name] = _max_abs_difference(mine, theirs)
            if differences[name] > max_abs_difference:
                found.append(
                    f"{name} must differ by at most {max_abs_difference:g} between served and "
                    f"in-process; got {differences[name]:g}"
                )
        problems += found
    return Verdict(not problems, "; ".join(problems), differences)


def _missing(in_process: Answers, served: Answers) -> Iterator[str]:
    if not in_process:
        yield "the model must have outputs; got none"
    for name in sorted(set(in_process) - set(served)):
        yield f"{name} must be served; the server's answer lacks it"
    for name in sorted(set(served) - set(in_process)):
        yield f"{name} must be an output of the model; only the server's answer has it"


def _shape_problems(
    name: str, mine: npt.NDArray[Any], theirs: npt.NDArray[Any], num_rows: int
) -> Iterator[str]:
    for side, values in (("in-process", mine), ("served", theirs)):
        if values.dtype.kind != "f":
            yield f"{name} must hold floats; got {values.dtype} {side}"
    if mine.shape != theirs.shape:
        yield f"{name} must have one shape; got {mine.shape} in-process and {theirs.shape} served"
    elif mine.shape[:1] != (num_rows,):
        yield f"{name} must have one row per example; got {mine.shape} for {num_rows}"


def _range_problems(name: str, side: str, values: npt.NDArray[Any]) -> Iterator[str]:
    unreal = ~np.isfinite(values)
    if unreal.any():
        yield f"{name} must be finite; got {values[unreal][0]} {_share(unreal)} {side}"
    outside = ~unreal & ((values < 0.0) | (values > 1.0))
    if outside.any():
        yield f"{name} must be within [0, 1]; got {values[outside][0]:g} {_share(outside)} {side}"


def _share(where: npt.NDArray[Any]) -> str:
    return f"in {int(where.sum())} of {where.size} answers"


def _max_abs_difference(mine: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> float:
    return float(np.abs(mine.astype(np.float64) - theirs.astype(np.float64)).max(initial=0.0))


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of single calls, in milliseconds."""

    calls: int
    p50_ms: float
    p99_ms: float


def summarize_latency(seconds: Sequence[float]) -> Latency:
    """Median and 99th percentile of call times.

    Raises:
        ValueError: there are no calls.
    """
    if not seconds:
        raise ValueError("latency must be of at least one call; got none")
    p50, p99 = np.percentile(np.asarray(seconds), [50, 99]) * 1000.0
    return Latency(len(seconds), round(float(p50), 3), round(float(p99), 3))
