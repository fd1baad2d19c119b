"""`rankbeam engine`: Flink or Spark on this machine, up, down and how it is."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rankbeam.pipeline.engines.lifecycle import Status
    from rankbeam.pipeline.engines.places import EngineKind

_PATH = click.Path(path_type=Path)
_KIND = click.Choice(["flink", "spark"])
_EPILOG = "Jars are kept in $RANKBEAM_CACHE_DIR, states and logs in $RANKBEAM_STATE_DIR."


@click.group("engine", epilog=_EPILOG)
def engine_group() -> None:
    """Start and stop a Beam engine for `rankbeam run --beam-runner`."""


@engine_group.command("up")
@click.argument("kind", type=_KIND)
@click.option("--slots", type=int, help="Tasks at a time, per task manager.  [default: the cores]")
@click.option("--memory", type=int, default=2048, show_default=True, help="Java heap in MB.")
@click.option("--port", type=int, default=8099, show_default=True, help="Of Beam's job service.")
@click.option(
    "--task-managers",
    type=int,
    default=0,
    show_default=True,
    help="Flink: processes of their own that run tasks; 0 for one process in all.",
)
@click.option(
    "--web-port", type=int, help="Flink with task managers: its page and REST.  [default: 8081]"
)
@click.option("--setting", multiple=True, metavar="KEY=VALUE", help="Flink: of its configuration.")
@click.option("--timeout", type=float, default=120.0, show_default=True, help="Seconds to wait.")
@click.option("--cache-dir", type=_PATH, help="Folder that jars are kept in.")
def up_command(
    kind: str,
    slots: int | None,
    memory: int,
    port: int,
    task_managers: int,
    web_port: int | None,
    setting: tuple[str, ...],
    timeout: float,
    cache_dir: Path | None,
) -> None:
    """Start KIND and wait until it answers; its jars are fetched with Maven the first time."""
    from rankbeam.pipeline.engines.lifecycle import bring_up
    from rankbeam.pipeline.engines.options import EngineOptions, parse_settings, usable_cores
    from rankbeam.pipeline.engines.places import Places

    options = EngineOptions(
        slots=usable_cores() if slots is None else slots,
        memory_mb=memory,
        port=port,
        task_managers=task_managers,
        web_port=web_port,
        timeout_s=timeout,
        settings=parse_settings(setting),
    )
    state = bring_up(_known(kind), options, Places.of_user(cache=cache_dir), _say)
    click.echo(f"{state.kind} is up at {state.endpoint}: {state.version}, {state.slots} slots")
    click.echo(f"use it with rankbeam run --beam-runner {state.kind}")


@engine_group.command("down")
@click.argument("kind", type=_KIND)
def down_command(kind: str) -> None:
    """End KIND, and what is left of one that crashed."""
    from rankbeam.pipeline.engines.lifecycle import bring_down
    from rankbeam.pipeline.engines.places import Places

    ended = bring_down(_known(kind), Places.of_user())
    click.echo(f"{kind} is down ({ended} processes ended)" if ended else f"{kind} was not up")


@engine_group.command("status")
@click.argument("kind", type=_KIND, required=False)
def status_command(kind: str | None) -> int:
    """Tell how KIND, or every engine, is; exit code 5 where it is not up."""
    from rankbeam.pipeline.engines.lifecycle import status
    from rankbeam.pipeline.engines.places import KINDS, Places
    from rankbeam.transform.errors import EnvironmentFault

    kinds = KINDS if kind is None else (_known(kind),)
    found = {each: status(each, Places.of_user()) for each in kinds}
    for name, how in found.items():
        click.echo("\n".join(_told(name, how)))
    return 0 if any(how.is_up for how in found.values()) else EnvironmentFault.exit_code


def _told(name: str, how: "Status") -> list[str]:
    state = how.state
    if state is None or not how.is_up:
        left = f" ({how.processes} processes left: rankbeam engine down {name})"
        return [f"{name}: down, {how.fault}{left if how.processes else ''}"]
    lines = [
        f"{name}: up at {state.endpoint}",
        f"  version   {state.version}",
        f"  uptime    {_duration(time.time() - state.started_at)}",
        f"  slots     {state.slots}",
        f"  processes {how.processes}",
    ]
    if state.web_port is not None:
        lines.append(f"  page      http://localhost:{state.web_port}")
    return [*lines, *(f"  log       {member.log}" for member in state.members)]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min {rest:02} s"


def _known(kind: str) -> "EngineKind":
    from rankbeam.pipeline.engines.places import KINDS

    return next(each for each in KINDS if each == kind)


def _say(text: str) -> None:
    click.echo(text, err=True)
