"""The verdict from what each path answered. Pure: NumPy alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Answers = Mapping[str, Array]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PathAnswers:
    """What one path answered, and what it should have.

    Attributes:
        path: names the path, such as `serving_default over gRPC`.
        reference: names what it is held against.
        expected: output name -> array, first axis the examples, of the reference.
        found: the same of the path.
        asked: (examples,) whether an example counts on this path.
        tame: (examples,) whether an example must be answered by finite numbers.
        exact: whether bits must be equal; else values must be within an allowance.
    """

    path: str
    reference: str
    expected: Answers
    found: Answers
    asked: Mask
    tame: Mask
    exact: bool


@dataclass(frozen=True, slots=True)
class Worst:
    """The example on which a path differs most.

    Attributes:
        output: the output's name.
        example: place of the example.
        expected: the reference's values, as text.
        found: the path's values, as text.
    """

    output: str
    example: int
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class PathResult:
    """How far one path is from its reference.

    Attributes:
        path: names the path.
        reference: names what it was held against.
        exact: whether bits had to be equal.
        examples: how many examples it was asked.
        unequal: how many of them differ in any bit of any output.
        max_abs_difference: output name -> largest difference; infinite where one side alone is
            no finite number, or both are not and differ.
        problems: what is wrong, each naming output, rule and value; empty where the path passed.
        worst: where it differs most; None where it differs nowhere.
    """

    path: str
    reference: str
    exact: bool
    examples: int
    unequal: int
    max_abs_difference: Mapping[str, float]
    problems: tuple[str, ...]
    worst: Worst | None


def compare(answers: PathAnswers, max_abs_difference: float) -> PathResult:
    """Holds one path against its reference.

    Args:
        answers: of both.
        max_abs_difference: what is allowed where bits need not be equal.
    """
    problems = list(_name_problems(answers))
    unequal = np.zeros(len(answers.asked), dtype=bool)
    differences: dict[str, float] = {}
    worst: tuple[float, Worst] | None = None
    for name in sorted(set(answers.expected) & set(answers.found)):
        expected, found = answers.expected[name], answers.found[name]
        misshapen = _shape_problem(name, expected, found, len(answers.asked))
        if misshapen:
            problems.append(misshapen)
            continue
        if not answers.asked.any():
            differences[name] = 0.0
            continue
        unlike = _unequal_rows(expected, found) & answers.asked
        unequal |= unlike
        distance = np.where(answers.asked, _distances(expected, found), -1.0)
        place = int(np.lexsort((distance, unlike))[-1]) if unlike.any() else int(distance.argmax())
        differences[name] = max(float(distance[place]), 0.0)
        problems += _value_problems(name, answers, max_abs_difference, differences[name], unlike)
        if unlike.any() and (worst is None or differences[name] > worst[0]):
            shown = Worst(name, place, _shown(expected[place]), _shown(found[place]))
            worst = differences[name], shown
    return PathResult(
        path=answers.path,
        reference=answers.reference,
        exact=answers.exact,
        examples=int(answers.asked.sum()),
        unequal=int(unequal.sum()),
        max_abs_difference=differences,
        problems=tuple(f"{answers.path}: {problem}" for problem in problems),
        worst=None if worst is None else worst[1],
    )


def _name_problems(answers: PathAnswers) -> Iterator[str]:
    if not answers.expected:
        yield f"{answers.reference} must have outputs; got none"
    for name in sorted(set(answers.expected) - set(answers.found)):
        yield f"{name} must be answered; the answer lacks it"
    for name in sorted(set(answers.found) - set(answers.expected)):
        yield f"{name} must be an output of {answers.reference}; only this path answers it"


def _shape_problem(name: str, expected: Array, found: Array, rows: int) -> str:
    if expected.dtype.kind != found.dtype.kind:
        return f"{name} must hold {expected.dtype} as before; got {found.dtype}"
    if expected.shape != found.shape or expected.shape[:1] != (rows,):
        return f"{name} must have the shape {expected.shape}; got {found.shape} for {rows} examples"
    return ""


def _value_problems(
    name: str, answers: PathAnswers, limit: float, difference: float, unlike: Mask
) -> Iterator[str]:
    if answers.exact:
        if unlike.any():
            yield (
                f"{name} must equal {answers.reference} to the last bit; got a difference of "
                f"{difference:g} in {int(unlike.sum())} of {int(answers.asked.sum())} examples"
            )
        return
    unreal = ~_rows(np.isfinite(answers.found[name])).all(axis=1) & answers.asked & answers.tame
    if unreal.any():
        yield (
            f"{name} must be finite; got {int(unreal.sum())} of {int(answers.asked.sum())} "
            "examples where it is not"
        )
    if difference > limit:
        yield (
            f"{name} must differ by at most {limit:g} from {answers.reference}; got {difference:g}"
        )


def _rows(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _unequal_rows(expected: Array, found: Array) -> Mask:
    """Which rows differ in any bit; a NaN equals itself, 0.0 does not equal -0.0."""
    if expected.dtype != found.dtype:
        # Of one kind, but of another width: values decide.
        same: Mask = _rows(np.equal(expected, found)).all(axis=1)
        return ~same
    mine, theirs = (
        np.ascontiguousarray(_rows(side)).view(np.uint8).reshape(len(side), -1)
        for side in (expected, found)
    )
    unlike: Mask = (mine != theirs).any(axis=1)
    return unlike


def _distances(expected: Array, found: Array) -> npt.NDArray[np.float64]:
    """(rows,) the largest difference in each row."""
    mine, theirs = (_rows(side).astype(np.float64) for side in (expected, found))
    with np.errstate(invalid="ignore"):
        apart = np.abs(mine - theirs)
    equal = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    apart = np.where(equal, 0.0, np.where(np.isnan(apart), np.inf, apart))
    largest: npt.NDArray[np.float64] = apart.max(axis=1, initial=0.0)
    return largest


def _shown(values: Array) -> str:
    return ", ".join(repr(value) for value in np.ravel(values).tolist())


def reason_of(results: Sequence[PathResult]) -> str:
    """One line with every problem; empty where all paths passed."""
    return "; ".join(problem for result in results for problem in result.problems)


def within(features: Answers, typical: Answers) -> Mask:
    """(rows,) whether each float feature lies in the range that it has in typical rows.

    Beyond it a model may overflow, and what is left of a large number's rounding differs with the
    kernel, hence with the size of the batch.

    Args:
        features: feature name -> array, first axis the rows.
        typical: the same of real examples, at least one.
    """
    inside = [
        _rows((values >= typical[name].min()) & (values <= typical[name].max())).all(axis=1)
        for name, values in features.items()
        if values.dtype.kind == "f"
    ]
    count = len(next(iter(features.values())))
    tame: Mask = np.all([np.ones(count, dtype=bool), *inside], axis=0)
    return tame
