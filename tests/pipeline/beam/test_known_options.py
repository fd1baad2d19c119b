"""Further options, held to those that Beam's own parser and the runner know."""

import pytest

from rankbeam.pipeline.beam.known_options import check_options
from rankbeam.transform.errors import ConfigError


def test_known_options_pass() -> None:
    check_options(
        [
            "--experiments=use_runner_v2",
            "--experiments=x",
            "--save_main_session",
            "--max_cache_memory_usage_mb=200",
            "--flink_submit_uber_jar",
            "--labels=a=b",
        ]
    )


def test_options_of_the_job_service_pass_where_it_knows_them() -> None:
    check_options(["--maxBundleSize=1000"], described=["maxBundleSize"])
    with pytest.raises(ConfigError, match=r"^beam\.options must be known to Beam .*--maxBundleSiz"):
        check_options(["--maxBundleSize=1000"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--experimets=x",
            r"must be known to .*; got --experimets=x \(did you mean --experiment",
        ),
        ("--zzzqqq", r"must be known to Beam or the runner; got --zzzqqq$"),
        ("--runner=FlinkRunner", r"must leave --runner to beam\.runner; got --runner=FlinkRunner$"),
        ("--parallelism=3", r"must leave --parallelism to beam\.flink\.parallelism; got "),
        (
            "--environment_type=DOCKER",
            r"must leave --environment_type to beam\.flink\.environment",
        ),
        ("--max_cache_memory_usage_mb=lots", r"must be values that Beam takes; got .*lots"),
        ("--save_main_session=2", r"must be values that Beam takes; got .*explicit argument"),
        ("--experiments", r"must be values that Beam takes; got .*expected one argument"),
    ],
)
def test_options_that_would_do_nothing_are_refused(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^beam\.options {message}"):
        check_options([option])
