"""From a config to a plan: for a run here, with all it needs looked at; or for a compiled one."""

from typing import NoReturn

from rankbeam.pipeline.beam.bucket import check_bucket
from rankbeam.pipeline.beam.checks import check_plan
from rankbeam.pipeline.beam.engines import find_engine
from rankbeam.pipeline.beam.known_options import check_options
from rankbeam.pipeline.beam.plan import BeamPlan, make_plan
from rankbeam.pipeline.beam.spec import BeamRunner, BeamSpec
from rankbeam.pipeline.beam.worker_program import worker_program
from rankbeam.pipeline.engines.places import EngineKind, Places
from rankbeam.transform.errors import ConfigError


def prepare_beam(spec: BeamSpec, runner: BeamRunner | None, artifacts: str) -> BeamPlan:
    """The plan of a run, with everything that it needs looked at.

    Args:
        spec: The config's section.
        runner: The command line's choice, where it made one.
        artifacts: Where the run's artifacts go.

    Raises:
        ConfigError: A setting is missing, unknown or does not fit.
        EnvironmentFault: An engine, a program, a bucket or an image is missing.
    """
    places = Places.of_user()
    plan = make_plan(
        spec,
        runner,
        lambda kind: find_engine(kind, places),
        lambda: worker_program(places.state),
    )
    if plan.is_used("dataflow"):
        assert spec.dataflow is not None  # `make_plan` sees to that
        if "://" not in artifacts:
            raise ConfigError(
                "the runner dataflow must reach the run's artifacts, on gs://; got the folder "
                f"{artifacts} (rankbeam compile takes a pipeline root there)"
            )
        check_bucket(spec.dataflow)
    check_plan(plan)
    return plan


def compiled_plan(spec: BeamSpec) -> BeamPlan:
    """The plan of a pipeline that runs elsewhere; nothing is looked at, since it is not here.

    Args:
        spec: The config's section.

    Raises:
        ConfigError: Something is left to be found on this machine, or an option is not known.
    """

    def no_engine(kind: EngineKind) -> NoReturn:
        raise ConfigError(
            f"beam.{kind}.job_endpoint must be set for a compiled pipeline; got nothing, which "
            "means the engine that is up on this machine"
        )

    def no_program() -> NoReturn:
        raise ConfigError(
            "beam's environment process must have a command for a compiled pipeline; got nothing, "
            "which means this machine's Python"
        )

    plan = make_plan(spec, None, no_engine, no_program)
    for node in plan.nodes.values():
        # What a job service knows beside is not known here.
        if node.place is None:
            check_options(node.options)
    return plan
