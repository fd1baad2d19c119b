"""`rankbeam run`: the whole DAG, here and now."""

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("run")
@click.argument("config", type=_PATH, required=False)
@click.option("--data", type=_PATH, help="Folder that the config's data paths start from.")
@click.option(
    "--output", type=_PATH, help="Folder for all outputs.  [default: rankbeam-out/<name>]"
)
@click.option("--span", type=click.IntRange(min=0), help="Span to read instead of the latest.")
@click.option("--query", is_flag=True, help="Serve the pushed model and ask it one request.")
def run_command(
    config: Path | None, data: Path | None, output: Path | None, span: int | None, query: bool
) -> None:
    """Run CONFIG from data to a pushed model; without CONFIG, a simulated marketplace.

    Run it again to resume: nodes that finished with the same inputs are taken from the cache.
    """
    from rankbeam.pipeline.config.load import load_config
    from rankbeam.pipeline.embedded import prepare_embedded
    from rankbeam.pipeline.execution import RunRequest, execute
    from rankbeam.pipeline.layout import OutputLayout
    from rankbeam.transform.errors import ConfigError

    if config is None and data is not None:
        raise ConfigError(f"--data must come with a config; got {data} alone")
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data must be an existing folder; got {data}")
    loaded = load_config(config, data) if config is not None else prepare_embedded(output)
    layout = OutputLayout.of(loaded.config.name, output)
    execute(RunRequest(loaded=loaded, layout=layout, span=span, query=query))
