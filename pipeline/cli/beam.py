"""The option that says where Beam stages run, of all commands that have it."""

import click

beam_runner_option = click.option(
    "--beam-runner",
    type=click.Choice(["direct", "flink", "spark", "dataflow"]),
    help="Where all Beam stages run, whatever the config says.",
)
