"""`rankbeam serve`: TensorFlow Serving's gRPC and REST, with its flags, on what was pushed."""

from pathlib import Path

import click

from rankbeam.pipeline.quiet import held_back_stderr

_PATH = click.Path(path_type=Path)


class _ServeCommand(click.Command):
    """Shows the server's flags below click's own options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the flags."""
        from rankbeam.serving.flags import usage

        formatter.write(f"\nFlags of tensorflow_model_server, and of this server:\n{usage()}\n")


# `--help` is left to click; all that it does not know is a flag for the server's own parser, so
# that a command line means the same here, there and in TensorFlow Serving.
@click.command("serve", cls=_ServeCommand, context_settings={"ignore_unknown_options": True})
@click.option(
    "--config", type=_PATH, help="Serve what this config's runs push, as its `serving` says."
)
@click.option(
    "--output", type=_PATH, help="The config's output folder.  [default: rankbeam-out/<name>]"
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FOLDER] [FLAGS]...")
def serve_command(config: Path | None, output: Path | None, arguments: tuple[str, ...]) -> None:
    """Serve the model pushed to FOLDER, or to a run's output, over gRPC and REST.

    Without FOLDER, --config or flags that name a model, serves what the last run pushed. The gRPC
    port is 8500; where no flags name the model, REST is on 8501.
    """
    with held_back_stderr():
        from rankbeam.pipeline.served import ServeRequest, serve
    from rankbeam.serving.flags import parse

    serve(ServeRequest(flags=parse(arguments), config=config, output=output))
