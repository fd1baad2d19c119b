"""From a config to the plan of a run here, with all that it needs looked at."""

from rankbeam.pipeline.beam.checks import check_plan
from rankbeam.pipeline.beam.engines import find_engine
from rankbeam.pipeline.beam.plan import BeamPlan, make_plan
from rankbeam.pipeline.beam.spec import BeamRunner, BeamSpec
from rankbeam.pipeline.beam.worker_program import worker_program
from rankbeam.pipeline.engines.places import Places
from rankbeam.transform.errors import ConfigError

DATAFLOW_IS_ELSEWHERE = (
    "the runner dataflow must reach the run's artifacts, on gs://; got the folder {} (it is for "
    "compiled pipelines: rankbeam compile --beam-runner dataflow)"
)
"""Message, with a place for the folder."""


def prepare_beam(spec: BeamSpec, runner: BeamRunner | None, artifacts: str) -> BeamPlan:
    """The plan of a run, with everything that it needs looked at.

    Args:
        spec: The config's section.
        runner: The command line's choice, where it made one.
        artifacts: The folder that the run's artifacts go to.

    Raises:
        ConfigError: A setting is missing, unknown or does not fit, or a node would run on Dataflow.
        EnvironmentFault: An engine, a program or an image is missing.
    """
    places = Places.of_user()
    plan = make_plan(
        spec,
        runner,
        lambda kind: find_engine(kind, places),
        lambda: worker_program(places.state),
    )
    if plan.is_used("dataflow"):
        raise ConfigError(DATAFLOW_IS_ELSEWHERE.format(artifacts))
    check_plan(plan)
    return plan
