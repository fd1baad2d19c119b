"""`rankbeam runs`: what ran, how it ended, where its outputs are."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from rankbeam.pipeline.layout import DEFAULT_ROOT


@click.command("runs")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_ROOT),
    show_default=True,
    help="Output folder of a pipeline, or the folder that holds several.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON record a line.")
def runs_command(output: Path, as_json: bool) -> None:
    """List runs, oldest first."""
    from rankbeam.pipeline.runs.record import effective_state, records_below

    found = list(records_below(output))
    for folder, record in found:
        if as_json:
            told = {**asdict(record), "state": effective_state(record), "folder": str(folder)}
            click.echo(json.dumps(told))
            continue
        version = f"version {record.version}" if record.version is not None else "not pushed"
        click.echo(
            f"{record.run_id}  {record.pipeline:<16} {effective_state(record):<12}"
            f"{record.seconds:>8.1f} s  {version:<12} {folder}"
        )
        if record.error is not None:
            click.echo(f"    {record.error.splitlines()[0]}")
    if not found:
        click.echo(f"no runs below {output}", err=True)
