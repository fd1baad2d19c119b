"""Where each node runs and what Beam is told there."""

from collections.abc import Mapping
from typing import Any

import pytest

from rankbeam.pipeline.beam.arguments import SEND_NOTHING
from rankbeam.pipeline.beam.plan import BeamPlan, EngineFound, make_plan
from rankbeam.pipeline.beam.spec import BeamRunner, BeamSpec
from rankbeam.pipeline.engines.flink_engine import configuration
from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.pipeline.engines.places import EngineKind
from rankbeam.transform.errors import ConfigError

_DATAFLOW = {
    "project": "p",
    "region": "europe-west1",
    "temp_location": "gs://bucket/tmp",
    "sdk_container_image": "registry/rankbeam:1",
}
_DIRECT = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    "--allow_unsafe_triggers",
    SEND_NOTHING,
)


def _plan(
    section: Mapping[str, Any], runner: BeamRunner | None = None, *, task_managers: bool = False
) -> BeamPlan:
    asked: list[EngineKind] = []

    def find(kind: EngineKind) -> EngineFound:
        assert kind not in asked
        asked.append(kind)
        return EngineFound("localhost:8099", 4, task_managers)

    return make_plan(BeamSpec.model_validate(section), runner, find, lambda: "/bin/worker")


def test_plan_of_nothing_is_the_direct_runner_in_memory() -> None:
    plan = _plan({})
    assert {node.arguments for node in plan.nodes.values()} == {_DIRECT}
    assert plan.places == {}


def test_direct_takes_its_section_and_its_options() -> None:
    section = {"running_mode": "multi_processing", "num_workers": 2}
    plan = _plan({"direct": section, "options": ["--direct_test_wait_for_node_name=x"]})
    assert plan.nodes["Transform"].arguments == (
        "--runner=DirectRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
        "--allow_unsafe_triggers",
        SEND_NOTHING,
        "--direct_test_wait_for_node_name=x",
    )


def test_flink_uses_the_engine_that_is_up_in_the_runs_own_process() -> None:
    plan = _plan({"runner": "flink"})
    assert plan.nodes["StatisticsGen"].arguments == (
        "--runner=PortableRunner",
        "--job_endpoint=localhost:8099",
        "--job_server_timeout=60",
        "--environment_type=LOOPBACK",
        "--parallelism=4",
        SEND_NOTHING,
    )


def test_flink_of_separate_processes_starts_workers_itself() -> None:
    arguments = _plan({}, "flink", task_managers=True).nodes["Transform"].arguments
    assert '--environment_config={"command": "/bin/worker"}' in arguments
    assert "--environment_type=PROCESS" in arguments


def test_flink_of_separate_processes_keeps_workers_but_not_until_a_restart() -> None:
    arguments = _plan({}, "flink", task_managers=True).nodes["Transform"].arguments
    [kept_ms] = [word.split("=")[1] for word in arguments if "environment_cache_millis" in word]
    delay = configuration(EngineOptions(task_managers=2))["restart-strategy.fixed-delay.delay"]
    seconds, unit = delay.split()
    assert unit == "s"
    assert 0 < int(kept_ms) < 1000 * int(seconds)


def test_spark_is_not_told_a_parallelism() -> None:
    plan = _plan({"runner": "spark", "spark": {"sdk_worker_parallelism": 2}})
    assert plan.nodes["Evaluator"].arguments == (
        "--runner=PortableRunner",
        "--job_endpoint=localhost:8099",
        "--job_server_timeout=60",
        "--environment_type=LOOPBACK",
        "--sdk_worker_parallelism=2",
        SEND_NOTHING,
    )


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"kind": "process", "command": "/opt/boot"},
            ("--environment_type=PROCESS", '--environment_config={"command": "/opt/boot"}'),
        ),
        ({"kind": "process"}, ("--environment_config=" + '{"command": "/bin/worker"}',)),
        (
            {"kind": "external"},
            ("--environment_type=EXTERNAL", "--environment_config=localhost:50000"),
        ),
        (
            {"kind": "docker", "image": "rankbeam:1"},
            ("--environment_type=DOCKER", "--environment_config=rankbeam:1"),
        ),
    ],
)
def test_engine_elsewhere_takes_the_environment_of_the_config(
    environment: Mapping[str, str], words: tuple[str, ...]
) -> None:
    section = {"job_endpoint": "flink.example:8099", "environment": environment, "parallelism": 16}
    arguments = _plan({"runner": "flink", "flink": section}).nodes["Transform"].arguments
    assert set(words) <= set(arguments)
    assert {"--job_endpoint=flink.example:8099", "--parallelism=16"} <= set(arguments)
    # How fast it tries again is not known here.
    assert not any("environment_cache_millis" in word for word in arguments)


@pytest.mark.parametrize("environment", [None, {"kind": "loopback"}])
def test_engine_elsewhere_cannot_call_back_into_the_run(
    environment: Mapping[str, str] | None,
) -> None:
    section = {"job_endpoint": "flink.example:8099", "environment": environment}
    message = r"^beam\.flink\.environment must say where Python runs .* and flink\.example:8099$"
    with pytest.raises(ConfigError, match=message):
        _plan({"runner": "flink", "flink": section})


def test_nodes_take_what_is_theirs_and_share_the_rest() -> None:
    plan = _plan(
        {
            "runner": "flink",
            "flink": {"parallelism": 8, "job_server_timeout_s": 5},
            "options": ["--experiments=a"],
            "nodes": {
                "Transform": {"flink": {"parallelism": 2}, "options": ["--experiments=b"]},
                "Evaluator": {"runner": "direct", "direct": {"num_workers": 3}},
            },
        }
    )
    assert plan.nodes["StatisticsGen"].arguments[-3:] == (
        "--parallelism=8",
        SEND_NOTHING,
        "--experiments=a",
    )
    assert plan.nodes["Transform"].arguments[-4:] == (
        "--parallelism=2",
        SEND_NOTHING,
        "--experiments=a",
        "--experiments=b",
    )
    assert "--job_server_timeout=5" in plan.nodes["Transform"].arguments
    assert plan.nodes["Evaluator"].arguments[:3] == (*_DIRECT[:2], "--direct_num_workers=3")


def test_node_takes_what_it_leaves_unset_of_direct_from_the_common_section() -> None:
    plan = _plan(
        {
            "direct": {"running_mode": "multi_processing", "num_workers": 4},
            "nodes": {
                "Transform": {"direct": {"num_workers": 2}},
                "Evaluator": {"direct": {"running_mode": "multi_threading"}},
                # Beam's own default, but asked for.
                "StatisticsGen": {"direct": {"running_mode": "in_memory", "num_workers": 1}},
            },
        }
    )
    told = {name: node.arguments[1:3] for name, node in plan.nodes.items()}
    mode, workers = "--direct_running_mode=", "--direct_num_workers="
    assert told["Transform"] == (f"{mode}multi_processing", f"{workers}2")
    assert told["Evaluator"] == (f"{mode}multi_threading", f"{workers}4")
    assert told["StatisticsGen"] == (f"{mode}in_memory", f"{workers}1")


def _all_on_direct(runner: str) -> dict[str, Any]:
    names = ("StatisticsGen", "Transform", "Evaluator")
    return {"runner": runner, "nodes": {name: {"runner": "direct"} for name in names}}


@pytest.mark.parametrize("runner", ["flink", "spark", "dataflow"])
def test_runner_that_no_node_goes_to_needs_nothing(runner: BeamRunner) -> None:
    """No engine, and no section `dataflow`: nothing is left that would run there."""

    def none_is_up(kind: EngineKind) -> EngineFound:
        raise AssertionError(f"no node runs on {kind}")

    spec = BeamSpec.model_validate(_all_on_direct(runner))
    plan = make_plan(spec, None, none_is_up, lambda: "/bin/worker")
    assert {node.arguments for node in plan.nodes.values()} == {_DIRECT}
    assert (plan.places, plan.is_used(runner)) == ({}, False)


def test_flag_sends_all_nodes_there() -> None:
    section = {"runner": "flink", "nodes": {"Evaluator": {"runner": "spark"}}}
    assert {node.runner for node in _plan(section).nodes.values()} == {"flink", "spark"}
    assert {node.arguments for node in _plan(section, "direct").nodes.values()} == {_DIRECT}


def test_dataflow_is_told_where_and_with_which_image() -> None:
    plan = _plan(
        {
            "runner": "dataflow",
            "dataflow": {**_DATAFLOW, "max_num_workers": 8, "use_public_ips": False},
            "nodes": {"Transform": {"dataflow": {"machine_type": "n2-highmem-8"}}},
        }
    )
    common = (
        "--project=p",
        "--region=europe-west1",
        "--temp_location=gs://bucket/tmp",
        "--sdk_container_image=registry/rankbeam:1",
        "--max_num_workers=8",
        "--no_use_public_ips",
        "--sdk_location=container",
    )
    told = plan.nodes["StatisticsGen"].arguments
    assert (told[0], set(told[1:])) == ("--runner=DataflowRunner", set(common))
    assert set(plan.nodes["Transform"].arguments) - set(told) == {"--machine_type=n2-highmem-8"}


def test_dataflow_needs_its_section() -> None:
    with pytest.raises(ConfigError, match=r"^beam\.dataflow must be set for the runner dataflow"):
        _plan({}, "dataflow")
