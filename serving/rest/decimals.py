"""Decimals as TensorFlow Serving prints them: short where that is exact, never like integers."""

import numpy as np

from rankbeam.serving.tensors import Array

_FULL_DIGITS = {np.dtype(np.float32): 9, np.dtype(np.float64): 17}
_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def texts(values: Array) -> list[str]:
    """Each value as JSON, in row-major order.

    Six digits where they read back as the same value, else as many as the type holds (nine or
    seventeen); with a point or an exponent, so that readers take a whole number for a decimal.

    Args:
        values: float32 or float64, any shape.
    """
    flat = values.ravel()
    doubles = flat.tolist()
    found = [f"{value:g}" for value in doubles]
    with np.errstate(over="ignore"):
        back = np.array(found, dtype=np.float64).astype(flat.dtype)
    digits = _FULL_DIGITS[flat.dtype]
    for at in np.flatnonzero(back != flat):  # also where a value is not a number
        found[at] = f"{doubles[at]:.{digits}g}"
    return [_finished(text) for text in found]


def _finished(text: str) -> str:
    if "." in text or "e" in text:
        return text
    return _NON_FINITE.get(text) or f"{text}.0"
