"""`rankbeam config`: check a config, or print its JSON Schema."""

import json
from pathlib import Path

import click
import yaml

EXISTING = click.Path(path_type=Path)


@click.group("config")
def config_group() -> None:
    """Check a config, or print the schema that editors use."""


@config_group.command("check")
@click.argument("file", type=EXISTING)
def check_command(file: Path) -> None:
    """Validate FILE and print it resolved, every default written out."""
    from rankbeam.pipeline.config.load import load_config

    config = load_config(file).config
    click.echo(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), nl=False)


@config_group.command("schema")
def schema_command() -> None:
    """Print the config's JSON Schema."""
    from rankbeam.pipeline.config.schema import RankbeamConfig

    click.echo(json.dumps(RankbeamConfig.model_json_schema(), indent=2))
