"""One simulated log that several test files look at."""

import pytest

from rankbeam.simulator.spec import MarketplaceSpec
from tests.simulator.marketplaces import Simulated, run


@pytest.fixture(scope="package")
def default_log() -> Simulated:
    """The default marketplace at 300,000 impressions."""
    return run(MarketplaceSpec(impressions=300_000))
