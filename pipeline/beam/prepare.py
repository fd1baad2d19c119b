"""From a config and a flag to runners that are there: what a run does before its record begins."""

from rankbeam.pipeline.beam.bucket import check_bucket
from rankbeam.pipeline.beam.checks import check_plan
from rankbeam.pipeline.beam.engines import find_engine
from rankbeam.pipeline.beam.plan import BeamPlan, make_plan
from rankbeam.pipeline.beam.spec import BeamRunner, BeamSpec
from rankbeam.pipeline.beam.worker_program import worker_program
from rankbeam.pipeline.engines.places import Places
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
