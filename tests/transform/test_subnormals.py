"""Numbers that some threads take for 0, and others do not, are 0 on all of them."""

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.transform.plan import Plan
from rankbeam.transform.stacking import text_column, without_subnormals
from tests.transform.running import Matrices, Row, Transformed, apply_layer, bound, options_of, run

_TYPES = dict.fromkeys(("plain", "scored", "logged", "bucketed", "code"), tf.float32)
_FEATURES = {
    "plain": {"kind": "numeric", "scaling": "none"},
    "scored": {"kind": "numeric", "scaling": "z_score"},
    "logged": {"kind": "numeric", "scaling": "log"},
    "bucketed": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 10},
    "code": {"kind": "categorical"},
}
# Most values are 0, so that most boundaries between buckets are, too.
_TRAINED = [0.0] * 15 + [-5.0, 5.0, -1.0, 1.0, 0.0]
_NOTHING = [1.4e-45, -1.4e-45, 1e-40, -1e-40, 1.17549421e-38, -0.0]

# Of the x86-64 register MXCSR, which C's fenv_t holds at byte 28: subnormal results, and subnormal
# operands, are 0.
_FLUSH = 0x8000 | 0x0040


@contextmanager
def _flushing(is_on: bool) -> Iterator[None]:
    """Let this thread take subnormal numbers for 0, or not."""
    maths = ctypes.CDLL("libm.so.6")
    before = ctypes.create_string_buffer(32)
    assert maths.fegetenv(before) == 0
    (control,) = struct.unpack_from("I", before, 28)
    changed = ctypes.create_string_buffer(before.raw, 32)
    struct.pack_into("I", changed, 28, control | _FLUSH if is_on else control & ~_FLUSH)
    assert maths.fesetenv(changed) == 0
    try:
        yield
    finally:
        assert maths.fesetenv(before) == 0


@pytest.fixture(params=[False, True], ids=["kept", "flushed"])
def _processor(request: pytest.FixtureRequest) -> Iterator[None]:
    with _flushing(request.param):
        product = np.full(1, 1e-40, np.float32) * np.float32(1)
        assert (product[0] == 0) == request.param
        yield


def _rows(values: list[float]) -> list[Row]:
    return [{name: [value] for name in _TYPES} for value in values]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """A transform of numbers around 0."""
    return run(
        _rows(_TRAINED), _TYPES, bound(options_of(_FEATURES)), tmp_path_factory.mktemp("trained")
    )


def _answers(trained: Transformed, values: list[float]) -> Matrices:
    return apply_layer(trained, _rows(values), _TYPES)


@pytest.mark.usefixtures("_processor")
def test_saved_transform_takes_subnormal_numbers_for_zero(trained: Transformed) -> None:
    zeros, found = (_answers(trained, values) for values in ([0.0] * len(_NOTHING), _NOTHING))
    for name, matrix in zeros.items():
        assert found[name].tobytes() == matrix.tobytes(), name
    assert zeros["bucketed"][0] > 1  # of the training values, some are below 0


@pytest.mark.usefixtures("_processor")
def test_normal_numbers_stay_what_they_are() -> None:
    numbers = np.array([1.17549435e-38, -1.17549435e-38, 1.0, -3.4e38, np.inf], np.float32)
    assert without_subnormals(tf.constant(numbers)).numpy().tobytes() == numbers.tobytes()
    assert np.isnan(without_subnormals(tf.constant([np.nan])).numpy()).all()


@pytest.mark.usefixtures("_processor")
def test_subnormal_numbers_are_written_as_zero() -> None:
    (column,) = Plan.of(options_of({"code": {"kind": "categorical"}})).vocabulary
    numbers = tf.constant(_NOTHING, tf.float32)
    places = [[row, 0] for row in range(len(_NOTHING))]
    inputs = {"code": tf.SparseTensor(places, numbers, [len(_NOTHING), 1])}
    assert text_column(inputs, column).values.numpy().tolist() == [b"0"] * len(_NOTHING)


@pytest.mark.usefixtures("_processor")
def test_results_that_float32_cannot_hold_as_normal_numbers_are_zero() -> None:
    results = tf.constant([1e-40, -1e-40, 1e-300], tf.float64)
    assert without_subnormals(results).numpy().tobytes() == bytes(24)
