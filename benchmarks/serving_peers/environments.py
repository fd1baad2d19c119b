"""A peer's own virtual environment, made once in a cache folder from its pinned requirements."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class EnvironmentFailedError(Exception):
    """An environment cannot be made; the message says why."""


def environment(name: str, cache: Path) -> Path:
    """The `bin` folder of a peer's environment; makes it where the cache has none.

    Raises:
        EnvironmentFailedError: The peers are pinned to another TensorFlow than this one, or the
            packages cannot be installed.
    """
    requirements = HERE / f"{name}.txt"
    pins = requirements.read_text(encoding="utf-8")
    check_tensorflow(pins, version("tensorflow"))
    digest = hashlib.sha256(f"{sys.version}\n{pins}".encode()).hexdigest()[:12]
    folder = cache / f"{name}-{digest}"
    if not folder.is_dir():
        _make(folder, requirements, cache)
    return folder / "bin"


def check_tensorflow(pins: str, ours: str) -> None:
    """Holds the peers' TensorFlow to ours: a comparison of two versions would say nothing.

    Raises:
        EnvironmentFailedError: They differ.
    """
    found = re.search(r"^tensorflow==(\S+)", pins, re.MULTILINE)
    theirs = found.group(1) if found else "none"
    if theirs != ours:
        raise EnvironmentFailedError(
            f"the peers' tensorflow must be ours, {ours}; got {theirs} (use --peers none)"
        )


def _make(folder: Path, requirements: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    uv = _uv(cache)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(unfinished)])
    python = str(unfinished / "bin" / "python")
    _run([uv, "pip", "install", "--quiet", "--python", python, "-r", str(requirements)])
    unfinished.rename(folder)


def _uv(cache: Path) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^UV_VERSION := (\S+)", makefile, re.MULTILINE)
    assert found is not None, "Makefile names the version of uv"
    return _run([str(ROOT / "scripts" / "bootstrap_uv.sh"), str(cache / "uv"), found.group(1)])


def _run(command: list[str]) -> str:
    # uv must take this interpreter, and install nothing into this process's environment.
    clean = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean)
    if done.returncode:
        raise EnvironmentFailedError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
