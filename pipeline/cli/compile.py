"""`rankbeam compile`: the DAG as a file for Kubeflow Pipelines or Vertex."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rankbeam.pipeline.cli.beam import beam_runner_option
from rankbeam.pipeline.quiet import held_back_stderr

if TYPE_CHECKING:
    from rankbeam.pipeline.beam.spec import BeamRunner

_PATH = click.Path(path_type=Path)


@click.command("compile")
@click.argument("config", type=_PATH, required=False)
@click.option(
    "--target",
    type=click.Choice(["kubeflow", "vertex"]),
    default="kubeflow",
    show_default=True,
    help="kubeflow: a KFP v2 PipelineSpec as YAML; vertex: a PipelineJob as JSON.",
)
@beam_runner_option
@click.option("-o", "--output", type=_PATH, required=True, help="File to write.")
def compile_command(
    config: Path | None,
    target: Literal["kubeflow", "vertex"],
    beam_runner: "BeamRunner | None",
    output: Path,
) -> None:
    """Compile CONFIG's pipeline; without CONFIG, the simulated marketplace's.

    The config's section `kubeflow` says what each node gets. The same config gives the same file.
    """
    from rankbeam.pipeline.config.load import load_config
    from rankbeam.pipeline.embedded import embedded_config
    from rankbeam.transform.errors import EnvironmentFault

    loaded = load_config(config if config is not None else embedded_config())
    with held_back_stderr():
        from rankbeam.pipeline.kubeflow.compile import compile_pipeline
        from rankbeam.pipeline.kubeflow.parameters import run_parameters

    text = compile_pipeline(loaded.config, target, beam_runner)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"--output must be a file that can be written; got {output}: {error.strerror}"
        ) from None
    click.echo(f"wrote {output}")
    parameters = run_parameters(loaded.config).by_name().values()
    for name in (each.name for each in parameters if each.default is None):
        click.echo(f"{name} has no default: every run must set it")
