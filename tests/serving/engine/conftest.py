"""Models that the registry's tests share."""

import shutil
from pathlib import Path

import pytest


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
