"""What several tests evaluate: one eval split and one model."""

import pytest
from tfx.types import standard_artifacts

from tests.components.evaluator.evaluator_run import ROWS, write_examples, write_model


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Examples:
    """`ROWS` as the split eval."""
    return write_examples(ROWS, tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Model:
    """A model that answers the prediction columns."""
    return write_model(tmp_path_factory.mktemp("model"))
