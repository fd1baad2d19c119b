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


@pytest.mark.parametrize("name", ["sdkWorkerParallelism", "default_environment_type"])
def test_options_of_the_job_service_do_not_undo_the_plan(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^beam\.options must leave --{name} to "):
        check_options([f"--{name}=3"], described=[name])


def test_hints_name_no_option_that_would_be_refused() -> None:
    with pytest.raises(ConfigError, match=r"; got --environment_optio=a") as caught:
        check_options(["--environment_optio=a"])
    assert "--environment_option?" not in str(caught.value)


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
        (
            "--sdk_location=/beam.tar.gz",
            r"must leave --sdk_location to beam\.dataflow\.sdk_contain",
        ),
        (
            "--worker_harness_container_image=i",
            r"must leave --worker_harness_container_image to beam\.dataflow\.sdk_container_image ",
        ),
        (
            "--sdk_harness_container_image_overrides=.*,i",
            r"must leave --sdk_harness_container_image_overrides to beam\.dataflow\.sdk_",
        ),
        (
            "--prebuild_sdk_container_engine=local_docker",
            r"must leave --prebuild_sdk_container_engine to beam\.dataflow\.sdk_container_image ",
        ),
        # Beam's second spelling of what has a place.
        ("--worker_machine_type=n2", r"must leave --worker_machine_type to beam\.dataflow\.mach"),
        ("--environment_option=a=b", r"must leave --environment_option to beam\.flink\.environm"),
        ("--job-server-timeout=9", r"must leave --job-server-timeout to beam\.flink\.job_server_t"),
        ("--no_use_public_ips", r"must leave --no_use_public_ips to beam\.dataflow\.use_public_"),
        (
            "--no_wait_until_finish",
            r"must not hold --no_wait_until_finish: a node would end before",
        ),
        ("--output_executable_path=a.jar", r"must not hold --output_executable_path: the job serv"),
        ("--template_location=gs://b/t", r"must not hold --template_location: Dataflow would keep"),
        ("--dry_run=1", r"must not hold --dry_run: Dataflow would run nothing; got --dry_run=1$"),
        (
            "--streaming",
            r"must not hold --streaming: the stages are jobs that end; got --streaming$",
        ),
        ("--max_cache_memory_usage_mb=lots", r"must be values that Beam takes; got .*lots"),
        ("--save_main_session=2", r"must be values that Beam takes; got .*explicit argument"),
        ("--experiments", r"must be values that Beam takes; got .*expected one argument"),
    ],
)
def test_options_that_would_do_nothing_are_refused(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^beam\.options {message}"):
        check_options([option])
