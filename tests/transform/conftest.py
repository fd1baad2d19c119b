"""One run over the ten rows, shared by all tests that only look at it."""

import pytest

from tests.transform.running import Transformed, bound, run
from tests.transform.ten_rows import OPTIONS, ROWS, TYPES


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    return run(ROWS, TYPES, bound(OPTIONS), tmp_path_factory.mktemp("ten_rows"))
