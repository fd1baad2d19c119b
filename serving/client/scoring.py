"""From a score expression and what is known of the candidates to one number per candidate."""

import difflib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from rankbeam.serving.client.arrays import Array
from rankbeam.serving.client.expression import Column, Expression, Name
from rankbeam.transform.errors import ConfigError, DataError

Fields: TypeAlias = Mapping[str, object]
InvalidScore = Literal["error", "last"]
"""What becomes of a candidate whose score is not a finite number: the call fails and names it, or
the candidate comes after all others."""

_NO_OUTPUTS: Mapping[str, Expression] = {}


class Scorer:
    """Resolves the names of one expression for one set of candidates.

    A name is an output of the model, an alias, or a field of the candidates or the context. A
    candidate's own field hides the context's of the same name. A name that is both an output (or an
    alias) and a field must say which it means: `output.click` or `candidate.click`.
    """

    def __init__(
        self,
        expression: Expression,
        context: Fields,
        candidates: Sequence[Fields],
        *,
        aliases: Mapping[str, Expression] = _NO_OUTPUTS,
        invalid: InvalidScore = "error",
        field: str = "score",
    ) -> None:
        """Nothing is checked yet.

        Args:
            expression: the score.
            context: fields that all candidates share.
            candidates: each candidate's fields.
            aliases: further names of outputs, or of expressions of them.
            invalid: what becomes of a score that is not finite, and of a missing field.
            field: what messages call the expression.
        """
        self._expression = expression
        self._context = context
        self._candidates = candidates
        self._aliases = aliases
        self._strict = invalid == "error"
        self._field = field

    def check(self, outputs: Collection[str]) -> None:
        """Checks every name against the model's outputs and the fields, and the fields' types.

        Raises:
            ConfigError: a name is unknown or ambiguous.
            DataError: a candidate's field is no number.
        """
        for name in self._expression.names():
            kind = self._kind(name, outputs)
            if kind == "alias":
                self._check_alias(name.name, outputs)
            elif kind == "field":
                self._field_column(name)

    def compute(self, outputs: Mapping[str, Array]) -> Column:
        """The score of each candidate, (candidates,); NaN for those that come last.

        Args:
            outputs: the model's answers, each with one row per candidate.

        Raises:
            ConfigError: a name is unknown or ambiguous.
            DataError: a field is no number, an output has several values a candidate, or a score is
                not finite and `invalid` is `error`.
        """

        def column(name: Name) -> Column:
            kind = self._kind(name, outputs)
            if kind == "field":
                return self._field_column(name)
            if kind == "alias":
                return self._aliases[name.name].compute(of_output)
            return of_output(name)

        def of_output(name: Name) -> Column:
            return self._output_column(name.name, outputs)

        count = len(self._candidates)
        scores = np.broadcast_to(self._expression.compute(column), (count,)).copy()
        wrong = ~np.isfinite(scores)
        if wrong.any():
            if self._strict:
                raise self._not_finite(int(np.argmax(wrong)), scores, column)
            scores[wrong] = np.nan
        return scores

    def _kind(self, name: Name, outputs: Collection[str]) -> Literal["output", "alias", "field"]:
        is_output = name.scope in {"", "output"} and name.name in outputs
        alias = self._aliases.get(name.name) if name.scope in {"", "output"} else None
        # An alias that says ctcvr is ctcvr changes nothing.
        is_alias = alias is not None and not (is_output and alias.text == name.name)
        is_field = name.scope != "output" and self._has_field(name)
        if is_output and is_alias:
            raise self._error(name, "name no alias that is also an output of the model")
        if (is_output or is_alias) and is_field:
            raise self._error(
                name,
                "say which it names where an output and a field are called the same",
                f"write output.{name.name} or candidate.{name.name}",
            )
        if is_output or is_alias:
            return "output" if is_output else "alias"
        if not is_field:
            raise self._unknown(name, outputs)
        return "field"

    def _check_alias(self, alias: str, outputs: Collection[str]) -> None:
        for name in self._aliases[alias].names():
            if name.scope not in {"", "output"} or name.name not in outputs:
                raise ConfigError(
                    f"aliases.{alias} must name outputs of the model; got {name}; "
                    f"outputs: {', '.join(sorted(outputs))}"
                )

    def _has_field(self, name: Name) -> bool:
        if name.scope != "candidate" and name.name in self._context:
            return True
        return name.scope != "context" and any(name.name in row for row in self._candidates)

    def _field_column(self, name: Name) -> Column:
        key = name.name
        shared: object = self._context.get(key) if name.scope != "candidate" else None
        if name.scope == "context":
            return np.array(self._number(f"context.{key}", shared), np.float64)
        return np.array(
            [
                self._number(f"candidates[{index}].{key}", row.get(key, shared))
                for index, row in enumerate(self._candidates)
            ],
            np.float64,
        )

    def _number(self, where: str, value: object) -> float:
        if type(value) is float or type(value) is int:  # nearly always; the rest costs more
            return _as_float(value)
        if isinstance(value, np.generic):
            value = value.item()
        if value is None and not self._strict:
            return math.nan
        if isinstance(value, bool | int | float):
            return _as_float(value)
        raise DataError(
            f"{where} must be a number for {self._field} {self._expression.text!r}; "
            f"got {'nothing' if value is None else repr(value)[:80]}"
        )

    def _output_column(self, name: str, outputs: Mapping[str, Array]) -> Column:
        values = outputs[name]
        if values.size != len(self._candidates) or values.dtype.kind not in "fiub":
            raise DataError(
                f"output {name} must be one number a candidate for {self._field} "
                f"{self._expression.text!r}; got {values.dtype} of shape {values.shape} "
                f"for {len(self._candidates)} candidates"
            )
        return values.reshape(-1).astype(np.float64)

    def _not_finite(
        self, index: int, scores: Column, column: Callable[[Name], Column]
    ) -> DataError:
        shown = {str(name): name for name in self._expression.names()}
        values = ", ".join(
            f"{text} = {np.broadcast_to(column(name), scores.shape)[index]:.6g}"
            for text, name in shown.items()
        )
        return DataError(
            f"{self._field} {self._expression.text!r} must be finite; got {scores[index]} for "
            f"candidates[{index}]" + (f" ({values})" if values else "")
        )

    def _unknown(self, name: Name, outputs: Collection[str]) -> ConfigError:
        fields = {str(key) for row in (self._context, *self._candidates) for key in row}
        if name.scope == "context":
            fields = {str(key) for key in self._context}
        known = (fields if name.scope != "output" else set()) | (
            {*outputs, *self._aliases} if name.scope in {"", "output"} else set()
        )
        close = difflib.get_close_matches(name.name, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        listed = ", ".join(sorted(known)) or "none"
        return self._error(name, "name outputs or fields that are there", f"{hint}known: {listed}")

    def _error(self, name: Name, rule: str, hint: str = "") -> ConfigError:
        return ConfigError(
            f"{self._field} must {rule}; got {name} at character {name.position} of "
            f"{self._expression.text!r}" + (f"; {hint}" if hint else "")
        )


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
