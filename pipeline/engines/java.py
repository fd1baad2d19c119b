"""Java and Maven, without which no engine starts."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from rankbeam.transform.errors import EnvironmentFault

# Flink 1.19 and Spark 3.5 run on these; both were measured on 17 and 21.
_OLDEST, _NEWEST = 11, 21
_ANSWER_TIMEOUT_S = 60.0
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def find_java() -> str:
    """Path of a `java` that the engines run on: JAVA_HOME's, else PATH's.

    Raises:
        EnvironmentFault: There is none, it cannot be run, or its version does not fit.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        got = f"JAVA_HOME={home}" if home else "no java on PATH"
        raise EnvironmentFault(
            f"java must be installed for an engine (Java {_OLDEST} to {_NEWEST}); got {got}"
        )
    told = _version(java)
    match = _VERSION.search(told)
    if match is None or not _OLDEST <= int(match[1]) <= _NEWEST:
        lines = told.strip().splitlines()
        raise EnvironmentFault(
            f"java must be of version {_OLDEST} to {_NEWEST}; got {java}: "
            f"{lines[0] if lines else 'no version'}"
        )
    return java


def _version(java: str) -> str:
    """What it says of its version: Java says it on the standard error."""
    try:
        done = subprocess.run(
            [java, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_ANSWER_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        got = f"no version within {_ANSWER_TIMEOUT_S:g} s"
    except OSError as error:
        got = str(error.strerror)
    else:
        return done.stderr + done.stdout
    raise EnvironmentFault(f"java must be a program that can be run; got {java}: {got}")


def find_maven() -> str:
    """Path of `mvn`.

    Raises:
        EnvironmentFault: There is none.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise EnvironmentFault(
            "mvn must be installed to fetch an engine's jars; got none on PATH (install Maven, or "
            "copy the cache folder of a machine that has it)"
        )
    return maven
