"""`rankbeam serving`: files that take a pushed model into production."""

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.group("serving")
def serving_group() -> None:
    """Write what TensorFlow Serving needs in production."""


@serving_group.command("manifests")
@click.argument("config", type=_PATH, required=False)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    default=Path("deploy"),
    show_default=True,
    help="Folder to write to.",
)
@click.option(
    "--only",
    help="Kinds to write, with commas: settings, prometheus, grafana, compose, kubernetes, kserve.",
)
@click.option(
    "--run-output",
    type=_PATH,
    help="The runs' output folder, which Compose mounts.  [default: rankbeam-out/<name>]",
)
@click.option("--force", is_flag=True, help="Replace files that others wrote or edited, too.")
def manifests_command(
    config: Path | None, output: Path, only: str | None, run_output: Path | None, force: bool
) -> None:
    """Write deployment files for CONFIG's model, to be applied as they are.

    For Docker Compose, Kubernetes and KServe, with TensorFlow Serving's settings, Prometheus and
    Grafana. Without CONFIG, for the simulated marketplace that `rankbeam run` runs.
    """
    from rankbeam.pipeline.config.load import load_config
    from rankbeam.pipeline.deployment import deployment_plan
    from rankbeam.pipeline.embedded import embedded_config
    from rankbeam.serving.manifests.generate import generate
    from rankbeam.serving.manifests.writer import write_files

    loaded = load_config(config if config is not None else embedded_config())
    folder = output.absolute()
    generated = generate(deployment_plan(loaded, run_output), folder, _kinds(only))
    write_files(folder, generated.files, force=force)
    for name in generated.files:
        click.echo(f"wrote {output / name}")
    for kind, reason in generated.left_out.items():
        click.echo(f"left out {kind}: {reason}", err=True)


@serving_group.command("ssl-config")
@click.option("--key", type=_PATH, required=True, help="The server's private key, PEM.")
@click.option("--cert", type=_PATH, required=True, help="The server's certificate chain, PEM.")
@click.option(
    "--client-ca", type=_PATH, help="Authority of the clients' certificates, PEM; demands one."
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    default=Path("ssl.config"),
    show_default=True,
    help="File to write, for this user's eyes only.",
)
def ssl_config_command(key: Path, cert: Path, client_ca: Path | None, output: Path) -> None:
    """Write TensorFlow Serving's --ssl_config_file from PEM files."""
    from rankbeam.serving.manifests.ssl_config import write_ssl_config

    write_ssl_config(output, key=key, cert=cert, client_ca=client_ca)
    click.echo(f"wrote {output}")


def _kinds(only: str | None) -> frozenset[str] | None:
    from rankbeam.serving.manifests.generate import KINDS
    from rankbeam.transform.errors import ConfigError

    if only is None:
        return None
    kinds = frozenset(part.strip() for part in only.split(","))
    unknown = sorted(kinds - set(KINDS))
    if unknown:
        raise ConfigError(f"--only must name {', '.join(KINDS)}; got {', '.join(unknown)}")
    return kinds
