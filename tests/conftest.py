"""Fixtures of every test: a quiet TensorFlow, fixed seeds, the shared datasets, GCS."""

import os
import random
import sys
from pathlib import Path

# Read by TensorFlow and absl at import, hence before anything else is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest

# One server for all folders: Google's clients remember theirs as long as the process lives, and
# Hadoop's takes seconds to start.
from tests.places import broken_off, gcs, gcs_bucket, hdfs, hdfs_root

__all__ = ["broken_off", "gcs", "gcs_bucket", "hdfs", "hdfs_root"]

_ROOT = Path(__file__).resolve().parent.parent
_SHARED_DATA_VARIABLE = "RANKBEAM_SHARED_DATA"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--shared-data`."""
    parser.addoption(
        "--shared-data",
        default=os.environ.get(_SHARED_DATA_VARIABLE, str(_ROOT.parent / "shared" / "data")),
        help="folder of the public datasets (default: $RANKBEAM_SHARED_DATA or ../shared/data)",
    )


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides pytest's options, which TFX 1.21's executors would read as absl's (-v is a level)."""
    monkeypatch.setattr(sys, "argv", sys.argv[:1])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Seeds the global generators; TensorFlow's own seeds belong to the tests that train."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def shared_data(pytestconfig: pytest.Config) -> Path:
    """The folder of the public datasets; skips where there is none."""
    folder = Path(pytestconfig.getoption("--shared-data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no shared datasets: {folder} is not a folder (set --shared-data)")
    return folder


def _dataset(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.exists():
        pytest.skip(f"no dataset {name} in {folder} (set --shared-data)")
    return path


@pytest.fixture(scope="session")
def census_data(shared_data: Path) -> Path:
    """Census-Income (KDD), the test file as a dataset of its own."""
    return _dataset(shared_data, "census_income_kdd_test")


@pytest.fixture(scope="session")
def hillstrom_data(shared_data: Path) -> Path:
    """Hillstrom's e-mail campaign: visit, then conversion."""
    return _dataset(shared_data, "hillstrom")
