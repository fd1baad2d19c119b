"""The models that these tests push."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.serving import tiny_models
from tests.serving.reliability.pushing import BIASES


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[float, Path]:
    """Bias to a tiny model that has it."""
    folder = tmp_path_factory.mktemp("pushed")
    return {bias: tiny_models.save(folder / str(bias) / "model", bias=bias) for bias in BIASES}
