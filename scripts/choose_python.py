"""Chooses the interpreter, and with it the TFX stack, for this machine.

Prints the interpreter's path, and on stderr which stack it gives and why. Exits with 1 and one
message naming what is missing where no stack fits. Runs on any Python 3.8+, before anything is
installed.

Two stacks are locked (see BUILD.md): TFX 1.16 for Python 3.10, and TFX 1.21 for Python 3.11-3.13,
whose wheels of TensorFlow Data Validation and ML Metadata need glibc 2.38.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

MINIMUM_GLIBC = (2, 38)
NEWER_STACK_NAME, OLDER_STACK_NAME = "TFX 1.21", "TFX 1.16"
NEWER_STACK = ((3, 13), (3, 12), (3, 11))
OLDER_STACK = ((3, 10),)
COMPILERS = ("c++", "g++", "clang++")

_PROBE = (
    "import json, os, sys, sysconfig; "
    "print(json.dumps([list(sys.version_info[:2]), sys.executable, "
    "os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))]))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that answered when it was asked."""

    version: tuple[int, int]
    path: str
    has_headers: bool


@dataclass(frozen=True)
class Machine:
    """What the choice depends on."""

    system: str
    architecture: str
    glibc: tuple[int, int] | None
    has_compiler: bool
    interpreters: tuple[Interpreter, ...]


@dataclass(frozen=True)
class Choice:
    """The chosen interpreter, the stack it gives and the reason for it."""

    path: str
    stack: str
    reason: str


class NoStackError(Exception):
    """No locked stack can be installed here; the message names what is missing."""


def choose(machine: Machine) -> Choice:
    """Chooses the interpreter: the newest of 3.11-3.13 where glibc allows it, otherwise 3.10.

    Raises:
      NoStackError: the platform has no wheels, or a compiler, the headers or a Python is missing.
    """
    if (machine.system, machine.architecture) != ("Linux", "x86_64"):
        raise NoStackError(
            "TFX has wheels for Linux on x86_64 only; "
            f"this machine is {machine.system} on {machine.architecture}"
        )
    if machine.glibc is None:
        raise NoStackError("TFX's wheels need the GNU C library; none was found (musl?)")
    if not machine.has_compiler:
        raise NoStackError(
            "a C++ compiler is missing (tried c++, g++, clang++): pyfarmhash is built from source"
        )
    for version in NEWER_STACK + OLDER_STACK:
        found = [each for each in machine.interpreters if each.version == version]
        for interpreter in found:
            if _fits(interpreter, machine.glibc):
                return _choice(interpreter, machine.glibc)
    raise NoStackError(_missing(machine.interpreters, machine.glibc))


def _fits(interpreter: Interpreter, glibc: tuple[int, int]) -> bool:
    return interpreter.has_headers and (
        interpreter.version in OLDER_STACK or glibc >= MINIMUM_GLIBC
    )


def _choice(interpreter: Interpreter, glibc: tuple[int, int]) -> Choice:
    here, needed = _dotted(glibc), _dotted(MINIMUM_GLIBC)
    if interpreter.version in NEWER_STACK:
        return Choice(interpreter.path, NEWER_STACK_NAME, f"glibc {here} is at least {needed}")
    if glibc >= MINIMUM_GLIBC:
        reason = f"no usable Python 3.11-3.13, though glibc {here} would do for TFX 1.21"
    else:
        reason = f"glibc {here} is older than {needed}, which TFX 1.21 needs"
    return Choice(interpreter.path, OLDER_STACK_NAME, reason)


def _missing(interpreters: tuple[Interpreter, ...], glibc: tuple[int, int]) -> str:
    findings = [_obstacle(each, glibc) for each in interpreters] or ["No interpreter answered"]
    return (
        f"no usable Python: Rankbeam needs 3.10, or 3.11-3.13 with glibc {_dotted(MINIMUM_GLIBC)} "
        f"or later (here: {_dotted(glibc)}). {'; '.join(findings)}. "
        "Install Python 3.10 with its headers (for example `pyenv install 3.10`)"
    )


def _obstacle(interpreter: Interpreter, glibc: tuple[int, int]) -> str:
    name = f"Python {_dotted(interpreter.version)} ({interpreter.path})"
    if interpreter.version not in OLDER_STACK + NEWER_STACK:
        return f"{name} is not supported"
    if interpreter.version in NEWER_STACK and glibc < MINIMUM_GLIBC:
        return f"{name} would need glibc {_dotted(MINIMUM_GLIBC)}"
    return f"{name} lacks its headers (Python.h; on Debian the package python3-dev)"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)


def inspect_machine(requested: str | None = None) -> Machine:
    """Asks the machine; with `requested`, only that interpreter counts."""
    library, version = platform.libc_ver()
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        glibc=_parse_glibc(version) if library == "glibc" else None,
        has_compiler=any(shutil.which(name) for name in COMPILERS),
        interpreters=find_interpreters([requested] if requested else _candidates()),
    )


def _parse_glibc(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _candidates() -> list[str]:
    """Names on PATH, then the folders where pyenv and uv keep theirs.

    The folders matter: inside the checkout pyenv's shims serve only what .python-version names.
    """
    versions = [_dotted(version) for version in OLDER_STACK + NEWER_STACK]
    on_path = [shutil.which(f"python{version}") for version in versions]
    on_path += [shutil.which("python3"), "/usr/bin/python3"]
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    data = os.environ.get("XDG_DATA_HOME", os.path.expanduser("~/.local/share"))
    kept = []
    for version in versions:
        kept += sorted(glob.glob(f"{pyenv}/versions/{version}*/bin/python{version}"))
        kept += sorted(glob.glob(f"{data}/uv/python/cpython-{version}*/bin/python{version}"))
    return [path for path in [*on_path, *kept, sys.executable] if path]


def find_interpreters(candidates: list[str]) -> tuple[Interpreter, ...]:
    """Starts each candidate and keeps those that answer, each executable once, in order."""
    found: dict[str, Interpreter] = {}
    for candidate in candidates:
        interpreter = _probe(candidate)
        if interpreter is not None:
            found.setdefault(interpreter.path, interpreter)
    return tuple(found.values())


def _probe(candidate: str) -> Interpreter | None:
    try:
        answer = subprocess.run(
            [candidate, "-c", _PROBE], capture_output=True, timeout=20, check=True
        )
        (major, minor), path, has_headers = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # a shim without its interpreter, a broken install: not a candidate
    return Interpreter((major, minor), path, has_headers)


def main() -> int:
    """Prints the choice; returns the exit code."""
    parser = argparse.ArgumentParser(description="Choose the Python for this machine.")
    parser.add_argument("requested", nargs="?", help="consider this interpreter only")
    requested: str | None = parser.parse_args().requested or None
    try:
        choice = choose(inspect_machine(requested))
    except NoStackError as error:
        print(f"choose_python: {error}", file=sys.stderr)
        return 1
    print(f"{choice.stack} on {choice.path}: {choice.reason}", file=sys.stderr)
    print(choice.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
