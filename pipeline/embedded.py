"""The embedded default: the simulated marketplace and its config, for `rankbeam run` alone."""

from pathlib import Path

import rankbeam.simulator
from rankbeam.pipeline.config.load import LoadedConfig, load_config
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.pipeline.marketplace import write_marketplace
from rankbeam.simulator.spec import MarketplaceSpec

IMPRESSIONS = 100_000


def embedded_config() -> Path:
    """The packaged config of the simulated marketplace."""
    return Path(rankbeam.simulator.__file__).resolve().parent / "offers.yaml"


def prepare_embedded(output: Path | None, impressions: int = IMPRESSIONS) -> LoadedConfig:
    """Simulate the default log below the output folder, once, and load the packaged config.

    Raises:
        EnvironmentFault: The output folder cannot be written.
        DataError: A folder with other data is in the way.
    """
    config = load_config(embedded_config()).config
    folder = OutputLayout.of(config.name, output).root / "data" / str(impressions)
    written = write_marketplace(MarketplaceSpec(impressions=impressions), folder)
    return load_config(embedded_config(), data_dir=written.directory)
