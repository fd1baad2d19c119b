"""`rankbeam simulate`: write a marketplace's log, and its truth beside it."""

from pathlib import Path

import click


@click.command("simulate")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder to make.")
@click.option("--impressions", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=14, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option(
    "--replicate",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Another log of the same marketplace.",
)
def simulate_command(output: Path, impressions: int, days: int, seed: int, replicate: int) -> None:
    """Simulate an offers marketplace: a log in Parquet and the true probabilities beside it."""
    from rankbeam.pipeline.marketplace import write_marketplace
    from rankbeam.simulator.spec import MarketplaceSpec

    spec = MarketplaceSpec(impressions=impressions, days=days, seed=seed, replicate=replicate)
    written = write_marketplace(spec, output)
    click.echo(f"{impressions:,} impressions with their truth beside them in {written.directory}")
