"""Which interpreter, and which TFX stack, a machine gets."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.choose_python import (
    Interpreter,
    Machine,
    NoStackError,
    choose,
    find_interpreters,
    inspect_machine,
)


def _python(minor: int, has_headers: bool = True, folder: str = "/usr/bin") -> Interpreter:
    return Interpreter((3, minor), f"{folder}/python3.{minor}", has_headers)


def _machine(glibc: tuple[int, int] | None, *interpreters: Interpreter) -> Machine:
    return Machine("Linux", "x86_64", glibc, True, interpreters)


OLD_GLIBC, NEW_GLIBC = (2, 36), (2, 38)


@pytest.mark.parametrize(
    ("machine", "path", "stack"),
    [
        pytest.param(
            _machine(OLD_GLIBC, _python(10)), "/usr/bin/python3.10", "TFX 1.16", id="3.10"
        ),
        pytest.param(
            _machine(NEW_GLIBC, _python(10), _python(11)),
            "/usr/bin/python3.11",
            "TFX 1.21",
            id="the newer stack is preferred where both would do",
        ),
        pytest.param(
            _machine(OLD_GLIBC, _python(13), _python(10)),
            "/usr/bin/python3.10",
            "TFX 1.16",
            id="3.13 cannot load the newer stack on an old glibc",
        ),
        pytest.param(
            _machine(NEW_GLIBC, _python(13, has_headers=False), _python(14), _python(10)),
            "/usr/bin/python3.10",
            "TFX 1.16",
            id="3.13 without headers cannot build, 3.10 can",
        ),
        pytest.param(
            _machine(NEW_GLIBC, _python(10, has_headers=False), _python(12)),
            "/usr/bin/python3.12",
            "TFX 1.21",
            id="3.10 without headers cannot build, 3.12 can",
        ),
        pytest.param(
            _machine(OLD_GLIBC, _python(10, has_headers=False), _python(10, folder="/opt/bin")),
            "/opt/bin/python3.10",
            "TFX 1.16",
            id="the 3.10 that has headers",
        ),
        pytest.param(
            _machine(NEW_GLIBC, _python(11), _python(13), _python(12)),
            "/usr/bin/python3.13",
            "TFX 1.21",
            id="the newest of the newer stack",
        ),
        pytest.param(
            _machine((3, 0), _python(11)), "/usr/bin/python3.11", "TFX 1.21", id="glibc 3.0"
        ),
    ],
)
def test_choose_python_picks_interpreter_and_stack(machine: Machine, path: str, stack: str) -> None:
    choice = choose(machine)
    assert (choice.path, choice.stack) == (path, stack)


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (_machine((2, 41), _python(13)), "glibc 2.41 is at least 2.38"),
        (_machine(OLD_GLIBC, _python(10)), "glibc 2.36 is older than 2.38, which TFX 1.21 needs"),
        (_machine((2, 41), _python(10)), "no usable Python 3.11-3.13, though glibc 2.41 would do"),
    ],
)
def test_choose_python_says_why(machine: Machine, reason: str) -> None:
    assert choose(machine).reason.startswith(reason)


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (_machine(OLD_GLIBC), r"No interpreter answered\. Install Python 3\.10"),
        (_machine(OLD_GLIBC, _python(11)), r"Python 3\.11 \(.*\) would need glibc 2\.38"),
        (_machine((2, 4), _python(13)), r"here: 2\.4\).*would need glibc 2\.38"),
        (_machine(NEW_GLIBC, _python(14)), r"Python 3\.14 \(.*\) is not supported"),
        (_machine(NEW_GLIBC, _python(9)), r"Python 3\.9 \(.*\) is not supported"),
        (_machine(OLD_GLIBC, _python(10, has_headers=False)), r"3\.10 .*lacks its headers"),
        (_machine(NEW_GLIBC, _python(12, has_headers=False)), r"3\.12 .*lacks its headers"),
        (_machine(None, _python(10)), "GNU C library"),
        (replace(_machine(OLD_GLIBC, _python(10)), has_compiler=False), "compiler is missing"),
        (replace(_machine(OLD_GLIBC, _python(10)), architecture="aarch64"), "Linux on aarch64"),
        (replace(_machine(OLD_GLIBC, _python(10)), system="Darwin"), "Darwin on x86_64"),
    ],
)
def test_choose_python_names_what_is_missing(machine: Machine, message: str) -> None:
    with pytest.raises(NoStackError, match=message):
        choose(machine)


def test_choose_python_message_is_one_line_and_names_every_finding() -> None:
    machine = _machine(OLD_GLIBC, _python(9), _python(12))
    with pytest.raises(NoStackError, match=r"3\.9 .*; Python 3\.12") as caught:
        choose(machine)
    assert "\n" not in str(caught.value)


def test_find_interpreters_skips_what_does_not_answer(tmp_path: Path) -> None:
    shim = tmp_path / "python3.10"
    shim.write_text("#!/bin/sh\necho 'version 3.10 is not installed' >&2\nexit 127\n")
    shim.chmod(0o755)
    babbler = tmp_path / "python3.11"
    babbler.write_text("#!/bin/sh\necho hello\n")
    babbler.chmod(0o755)
    candidates = [str(shim), str(babbler), str(tmp_path / "absent"), sys.executable, sys.executable]
    assert [each.path for each in find_interpreters(candidates)] == [sys.executable]


def test_inspect_machine_considers_only_the_requested_interpreter() -> None:
    machine = inspect_machine(sys.executable)
    assert [each.version for each in machine.interpreters] == [sys.version_info[:2]]
    assert machine.glibc is not None
