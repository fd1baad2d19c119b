"""Workers of Beam that cannot start."""

from pathlib import Path

import pytest


def spoil_workers(monkeypatch: pytest.MonkeyPatch, folder: Path, statement: str) -> None:
    """Have every process that is to be a worker run `statement` in place of its program.

    Beam tells a process that it is a worker by a variable. Python looks for `sitecustomize` in each
    process before anything else.

    Args:
        monkeypatch: Takes it back.
        folder: New; gets the module.
        statement: Of Python; `os` and `time` are there.
    """
    folder.mkdir()
    text = f"import os, time\nif 'WORKER_ID' in os.environ:\n    {statement}\n"
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
