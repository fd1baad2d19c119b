"""What a failed process printed, as an error of its kind."""

import pytest

from rankbeam.pipeline.compiled.failure import deliberate, last_words
from rankbeam.transform.errors import (
    ConfigError,
    DataError,
    EnvironmentFault,
    GateError,
    RankbeamError,
)

_CHAIN = """I1121 10:00:00.1 1 run_executor.py:1] Starting executor
Traceback (most recent call last):
  File "a.py", line 1, in f
    raise GateError("inner")
rankbeam.transform.errors.GateError: inner

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in g
    raise DataError("outer")
rankbeam.transform.errors.DataError: outer
  second line
I1121 10:00:01.1 1 shutdown.py:1] bye
"""


@pytest.mark.parametrize(
    ("printed", "code", "kind", "message"),
    [
        (_CHAIN, 1, DataError, "outer\n  second line"),
        ("x\nerror: column a must be there\n", 3, DataError, "column a must be there"),
        (
            "error: model must be blessed\n  AUC 0.4\n\n",
            4,
            GateError,
            "model must be blessed\n  AUC 0.4",
        ),
        ("error: disk\n", 5, EnvironmentFault, "disk"),
        ("error: name\n", 2, ConfigError, "name"),
        ("error: odd\n", 77, RankbeamError, "odd"),
        (
            "error: gate\nF1121 10:00:00.1 1 main.go:58] failed to execute: exit status 4\n",
            None,
            GateError,
            "gate",
        ),
    ],
)
def test_deliberate_finds_the_last_error_meant_to_be_read(
    printed: str, code: int | None, kind: type[RankbeamError], message: str
) -> None:
    found = deliberate(printed, code)
    assert type(found) is kind
    assert str(found) == message


@pytest.mark.parametrize(
    "printed", ["", "GateError: not ours", "an error: in a sentence", "other.rankbeam.GateError: x"]
)
def test_deliberate_finds_nothing_in_the_words_of_others(printed: str) -> None:
    assert deliberate(printed, 1) is None


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("", "nothing was printed"),
        ("a\nb\n\n", "b"),
        ("Traceback\nValueError: 7\nI1121 bye\n", "ValueError: 7"),
        (
            "tensorflow.python.framework.errors_impl.InternalError: 8",
            "tensorflow.python.framework.errors_impl.InternalError: 8",
        ),
    ],
)
def test_last_words_prefer_an_exceptions_name(printed: str, words: str) -> None:
    assert last_words(printed) == words
