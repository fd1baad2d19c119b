"""The `rankbeam` command group and the way errors become exit codes."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from rankbeam import __version__
from rankbeam.pipeline.cli.compile import compile_command
from rankbeam.pipeline.cli.config import config_group
from rankbeam.pipeline.cli.engine import engine_group
from rankbeam.pipeline.cli.init import init_command
from rankbeam.pipeline.cli.predict import predict_command
from rankbeam.pipeline.cli.run import run_command
from rankbeam.pipeline.cli.runs import runs_command
from rankbeam.pipeline.cli.serve import serve_command
from rankbeam.pipeline.cli.serving import serving_group
from rankbeam.pipeline.cli.simulate import simulate_command
from rankbeam.pipeline.cli.submit import submit_command
from rankbeam.pipeline.quiet import quiet_libraries
from rankbeam.transform.errors import RankbeamError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rankbeam")
def rankbeam() -> None:
    """Multi-task ranking pipelines, from impression logs to TensorFlow Serving."""


for _command in (
    run_command,
    compile_command,
    submit_command,
    init_command,
    config_group,
    engine_group,
    simulate_command,
    serve_command,
    serving_group,
    predict_command,
    runs_command,
):
    rankbeam.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; deliberate errors print one message and set the exit code.

    Args:
        arguments: Words after `rankbeam`; by default the process's own.

    Raises:
        SystemExit: Always, with the command's exit code.
    """
    quiet_libraries()
    sys.exit(_invoke(list(arguments) if arguments is not None else None))


def _invoke(arguments: list[str] | None) -> int:
    try:
        result: Any = rankbeam.main(arguments, prog_name="rankbeam", standalone_mode=False)
    except RankbeamError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    return result if isinstance(result, int) else 0
