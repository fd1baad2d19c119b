"""`rankbeam submit`: the DAG, or what was compiled of it, to Kubeflow Pipelines."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rankbeam.pipeline.cli.beam import beam_runner_option

if TYPE_CHECKING:
    from rankbeam.pipeline.beam.spec import BeamRunner

_PATH = click.Path(path_type=Path)
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command("submit")
@click.argument("config", type=_PATH, required=False)
@click.option("--compiled", type=_PATH, help="Submit what `rankbeam compile` wrote, not CONFIG.")
@beam_runner_option
@click.option("--host", required=True, envvar="RANKBEAM_KFP_HOST", help="URL of the API server.")
@click.option("--ui-host", help="URL of the user interface, for the link.  [default: --host]")
@click.option("--namespace", help="Yours, where the server keeps a namespace for each user.")
@click.option("--experiment", default="Default", show_default=True, help="Made if there is none.")
@click.option("--run-name", help="The run's name.  [default: the pipeline's, and the time]")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="May be repeated."
)
@click.option("--pipeline-root", help="Where artifacts go.  [default: as the pipeline says]")
@click.option("--service-account", help="Kubernetes account of the run's pods.")
@click.option(
    "--token", envvar="RANKBEAM_KFP_TOKEN", default="", help="Better by RANKBEAM_KFP_TOKEN."
)
@click.option(
    "--token-file",
    type=_PATH,
    envvar="KF_PIPELINES_SA_TOKEN_PATH",
    show_envvar=True,
    help="File with the token, read again as it is renewed.",
)
@click.option(
    "--cookie",
    envvar="RANKBEAM_KFP_COOKIE",
    default="",
    help="Of a login page's session; better by RANKBEAM_KFP_COOKIE.",
)
@click.option("--ca-cert", type=_PATH, help="PEM file of the authority to trust.")
@click.option("--request-timeout-s", type=_SECONDS, default=30.0, show_default=True)
@click.option("--wait", is_flag=True, help="Follow the run to its end, and end as it does.")
@click.option("--timeout-s", type=_SECONDS, help="Longest --wait.  [default: none]")
@click.option("--poll-s", type=_SECONDS, default=5.0, show_default=True, help="Between two looks.")
def submit_command(
    config: Path | None,
    compiled: Path | None,
    beam_runner: "BeamRunner | None",
    parameters: tuple[str, ...],
    wait: bool,
    timeout_s: float | None,
    poll_s: float,
    **options: Any,
) -> None:
    """Compile CONFIG, upload it, start a run of it and print the run's link.

    With --wait, the exit code is 0 where the run succeeded, 4 where a gate stopped it as far as
    its logs tell, and else 5. Credentials are never printed.
    """
    from rankbeam.pipeline.compiled.parameters import assignments
    from rankbeam.pipeline.kubeflow.connection import Connection
    from rankbeam.pipeline.kubeflow.follow import Patience
    from rankbeam.pipeline.kubeflow.package import packaged
    from rankbeam.pipeline.kubeflow.submit import Submission, submit
    from rankbeam.transform.errors import ConfigError

    if (config is None) == (compiled is None):
        raise ConfigError("CONFIG or --compiled must be given, and not both")
    if compiled is not None and beam_runner is not None:
        raise ConfigError(
            f"--beam-runner must be left out with --compiled, which says it; got {beam_runner}"
        )
    if timeout_s is not None and not wait:
        raise ConfigError(f"--timeout-s must come with --wait; got {timeout_s:g} alone")
    names = ("host", "token", "token_file", "cookie", "ca_cert", "request_timeout_s")
    _keep_one_token(click.get_current_context(), options)
    connection = Connection(**{name: options.pop(name) for name in names})
    given = assignments(parameters)
    with packaged(config, compiled, beam_runner, options["pipeline_root"]) as package:
        submit(
            Submission(package=package, parameters=given, **options),
            connection,
            _say,
            Patience(timeout_s=timeout_s, poll_s=poll_s) if wait else None,
        )


def _keep_one_token(context: click.Context, options: dict[str, Any]) -> None:
    """Leave the token that was named most directly; two on the command line stay, for an error.

    The command line comes before the environment, and there the user's RANKBEAM_KFP_TOKEN before
    KF_PIPELINES_SA_TOKEN_PATH, which Kubeflow sets in its notebooks.
    """
    if not options["token"] or options["token_file"] is None:
        return
    sources = {name: context.get_parameter_source(name) for name in ("token", "token_file")}
    typed = [name for name, source in sources.items() if source is ParameterSource.COMMANDLINE]
    if typed == ["token_file"]:
        options["token"] = ""
    elif typed != ["token", "token_file"]:
        options["token_file"] = None


def _say(line: str) -> None:
    # Whoever reads a pipe sees changes as they come.
    click.echo(line)
    sys.stdout.flush()
