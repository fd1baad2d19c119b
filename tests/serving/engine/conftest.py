"""Models and threads that the engine's tests share."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rankbeam.serving.servable import Servable, load_servable


@pytest.fixture
def ads(tmp_path: Path, saved_model: Path) -> Path:
    """Versions 1 and 2 of a model."""
    for version in (1, 2):
        shutil.copytree(saved_model, tmp_path / "ads" / str(version))
    return tmp_path / "ads"


@pytest.fixture
def shop(tmp_path: Path, biased_model: Path) -> Path:
    """Version 7 of another model."""
    shutil.copytree(biased_model, tmp_path / "shop" / "7")
    return tmp_path / "shop"


@pytest.fixture(scope="module")
def servable(saved_model: Path) -> Servable:
    """The tiny model, loaded."""
    return load_servable("tiny", 1, saved_model)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """Threads for graphs."""
    with ThreadPoolExecutor(4) as threads:
        yield threads
