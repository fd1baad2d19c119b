"""Hands a compiled pipeline to Kubeflow Pipelines and starts a run of it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from rankbeam.pipeline.beam.bucket import check_buckets
from rankbeam.pipeline.beam.compiled import check_root
from rankbeam.pipeline.compiled.parameters import typed
from rankbeam.pipeline.compiled.spec import CompiledPipeline, load_compiled
from rankbeam.pipeline.kubeflow.backend import Backend
from rankbeam.pipeline.kubeflow.connection import Connection
from rankbeam.pipeline.kubeflow.follow import Patience, RunFollower
from rankbeam.transform.errors import ConfigError

DEFAULT_EXPERIMENT = "Default"


@dataclass(frozen=True)
class Submission:
    """What to run, and under which names.

    Attributes:
        package: The compiled pipeline.
        experiment: Name of the experiment, which is created where there is none.
        run_name: The run's name; the pipeline's with the time where None.
        namespace: The user's, on servers that have several users.
        parameters: The run's own parameters, as texts.
        pipeline_root: Where artifacts go; as the pipeline says where None.
        service_account: Kubernetes account that the run's pods have; the server's where None.
        ui_host: URL of the user interface, for the link; the API's host where None.
    """

    package: Path
    experiment: str = DEFAULT_EXPERIMENT
    run_name: str | None = None
    namespace: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    pipeline_root: str | None = None
    service_account: str | None = None
    ui_host: str | None = None


def submit(
    submission: Submission,
    connection: Connection,
    say: Callable[[str], None],
    wait: Patience | None = None,
) -> str:
    """Upload the pipeline as a version, start a run and print its link.

    The version is named by the content: one that is there already is not uploaded again.

    Args:
        submission: What to run.
        connection: The API server.
        say: Prints a line.
        wait: How to follow the run to its end; it is left to itself where None.

    Returns:
        The run's id.

    Raises:
        ConfigError: The pipeline or a parameter is wrong, here or in the server's eyes.
        GateError: A gate stopped the run that was waited for.
        EnvironmentFault: The server cannot be used, a bucket of Dataflow's is missing, or the run
            failed otherwise.
    """
    compiled = load_compiled(submission.package)
    parameters = typed(compiled, submission.parameters)
    if submission.pipeline_root is not None:
        _check_root(compiled, submission.pipeline_root)
    backend = Backend(connection)
    _check_buckets(compiled, say)
    namespace = _namespace(backend, submission.namespace)
    pipeline = backend.pipeline_id(compiled.name, namespace)
    if pipeline is None:
        pipeline = backend.create_pipeline(compiled.name, namespace)
    digest = hashlib.sha256(submission.package.read_bytes()).hexdigest()[:16]
    version_name = f"{compiled.name}-{digest}"
    version = backend.version_id(pipeline, version_name)
    if version is None:
        version = backend.upload_version(pipeline, version_name, submission.package)
    say(f"pipeline   {compiled.name}, version {version_name}")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    run_name = submission.run_name or f"{compiled.name} {now}"
    run_id = backend.create_run(
        run_name,
        experiment_id=backend.experiment_id(submission.experiment, namespace),
        pipeline_id=pipeline,
        version_id=version,
        parameters=parameters,
        pipeline_root=submission.pipeline_root,
        service_account=submission.service_account,
    )
    page = (submission.ui_host or connection.host).rstrip("/")
    say(f"run        {run_name}")
    say(f"link       {page}/#/runs/details/{run_id}")
    if wait is not None:
        RunFollower(backend, run_id, tuple(compiled.tasks), say, wait).to_the_end()
    return run_id


def _check_root(compiled: CompiledPipeline, root: str) -> None:
    runners = {given["--runner"] for given in _options(compiled) if "--runner" in given}
    for runner in sorted(runners - {"DirectRunner"}):
        check_root(runner, root, "--pipeline-root")


def _check_buckets(compiled: CompiledPipeline, say: Callable[[str], None]) -> None:
    """Look for the buckets of all stages that Dataflow is to run.

    Raises:
        EnvironmentFault: One does not exist.
    """
    looked_for = dict.fromkeys(
        (given.get("--project"), name, location)
        for given in _options(compiled)
        if given.get("--runner") == "DataflowRunner"
        for name in ("temp_location", "staging_location")
        if (location := given.get(f"--{name}", "")).startswith("gs://")
    )
    for project, name, location in looked_for:
        for reason in check_buckets(project, {name: location}):
            say(f"not seen   {reason}")


def _options(compiled: CompiledPipeline) -> list[dict[str, str]]:
    """Of each task, the options of its container, as Beam's are written: --name=value."""
    return [
        dict(word.partition("=")[::2] for word in compiled.executor(task).container.args)
        for task in compiled.tasks
    ]


def _namespace(backend: Backend, given: str | None) -> str | None:
    """The namespace that requests name: one on servers with several users, none on others."""
    if backend.is_multi_user():
        if given is None:
            raise ConfigError("--namespace must be given: the server keeps one for each user")
    elif given is not None:
        raise ConfigError(f"--namespace must be left out: the server keeps none; got {given}")
    return given
