"""Programs that stand in for a `java` or `mvn` which does what a test needs it to do wrong."""

from pathlib import Path

VERSION_17 = "echo 'openjdk version \"17.0.1\" 2021-10-19' >&2"
"""Answers `java -version` as Java 17 does."""


def program(folder: Path, name: str, *lines: str) -> Path:
    """An executable shell script `folder/name`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def java(folder: Path, *lines: str) -> Path:
    """A `java` of version 17 that runs `lines` where it is asked for more than its version."""
    version = f'if [ "$1" = -version ]; then {VERSION_17}; exit 0; fi'
    return program(folder, "java", version, *lines)
