"""`rankbeam init`: a commented starter config from a look at a data file."""

from pathlib import Path

import click


@click.command("init")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("rankbeam.yaml"),
    show_default=True,
    help="File to write.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def init_command(data: Path, output: Path, force: bool) -> None:
    """Look at DATA (a file or folder) and write a config to start from."""
    from rankbeam.pipeline.init.starter import write_starter

    write_starter(data, output, force=force)
    click.echo(f"wrote {output}; next: rankbeam run {output}")
