"""`rankbeam run`: the whole DAG, here and now."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rankbeam.pipeline.cli.beam import beam_runner_option

if TYPE_CHECKING:
    from rankbeam.pipeline.beam.spec import BeamRunner

_PATH = click.Path(path_type=Path)


@click.command("run")
@click.argument("config", type=_PATH, required=False)
@click.option("--data", type=_PATH, help="Folder that the config's data paths start from.")
@click.option(
    "--output", type=_PATH, help="Folder for all outputs.  [default: rankbeam-out/<name>]"
)
@click.option("--span", type=click.IntRange(min=0), help="Span to read instead of the latest.")
@click.option("--query", is_flag=True, help="Serve the pushed model and ask it one request.")
@beam_runner_option
@click.option(
    "--compiled", type=_PATH, help="Run what `rankbeam compile` wrote, each node a process."
)
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Of --compiled."
)
def run_command(
    config: Path | None,
    data: Path | None,
    output: Path | None,
    span: int | None,
    query: bool,
    beam_runner: "BeamRunner | None",
    compiled: Path | None,
    parameters: tuple[str, ...],
) -> None:
    """Run CONFIG from data to a pushed model; without CONFIG, a simulated marketplace.

    Run it again to resume: nodes that finished with the same inputs are taken from the cache.
    """
    if compiled is not None:
        others = {"CONFIG": config, "--data": data, "--span": span, "--beam-runner": beam_runner}
        _run_compiled(compiled, parameters, output, query, others)
        return
    from rankbeam.pipeline.config.load import load_config
    from rankbeam.pipeline.embedded import prepare_embedded
    from rankbeam.pipeline.execution import RunRequest, execute
    from rankbeam.pipeline.layout import OutputLayout
    from rankbeam.transform.errors import ConfigError

    if parameters:
        raise ConfigError(f"--parameter must come with --compiled; got {parameters[0]} alone")
    if config is None and data is not None:
        raise ConfigError(f"--data must come with a config; got {data} alone")
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data must be an existing folder; got {data}")
    loaded = load_config(config, data) if config is not None else prepare_embedded(output)
    layout = OutputLayout.of(loaded.config.name, output)
    request = RunRequest(loaded, layout, span=span, query=query, beam_runner=beam_runner)
    execute(request)


def _run_compiled(
    file: Path,
    parameters: tuple[str, ...],
    output: Path | None,
    query: bool,
    others: Mapping[str, object],
) -> None:
    from rankbeam.pipeline.compiled.execution import CompiledRequest, execute_compiled
    from rankbeam.pipeline.compiled.parameters import assignments
    from rankbeam.transform.errors import ConfigError

    for name, value in others.items():
        if value is not None:
            raise ConfigError(
                f"{name} must be left out with --compiled, whose --parameter says it; got {value}"
            )
    given = assignments(parameters)
    execute_compiled(CompiledRequest(file=file, output=output, parameters=given, query=query))
