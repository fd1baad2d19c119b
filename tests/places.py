"""The file systems that tests of remote files run on."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(params=["objects", "folders", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty folder: of Beam's file systems with and without folders, and of TensorFlow's."""
    # Only here, since the import lets TFX know these file systems.
    from tests.components.remote.memory import FoldersFileSystem, ObjectsFileSystem

    ObjectsFileSystem.reset()
    FoldersFileSystem.reset()
    beams = {"objects": "objects://bucket", "folders": "folders://host"}
    root = beams.get(request.param, f"file://{tmp_path}")
    yield f"{root}/tests"
    ObjectsFileSystem.reset()
    FoldersFileSystem.reset()
