"""What is held against a pipeline that is compiled here and runs elsewhere."""

import socket
from collections.abc import Mapping
from typing import Any

import pytest

from rankbeam.pipeline.beam.arguments import SEND_NOTHING
from rankbeam.pipeline.beam.compiled import compiled_plan
from rankbeam.pipeline.beam.spec import BeamSpec
from rankbeam.transform.errors import ConfigError

_ROOT = "gs://bucket/pipelines"
_DIRECT = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    "--allow_unsafe_triggers",
    SEND_NOTHING,
)
_DATAFLOW = {
    "project": "p",
    "region": "europe-west1",
    "temp_location": "gs://bucket/tmp",
    "sdk_container_image": "registry/rankbeam:1",
}
_FLINK = {"job_endpoint": "flink:8099", "environment": {"kind": "external"}}


def test_compiled_plan_on_beams_own_runner_needs_no_root() -> None:
    assert {node.arguments for node in compiled_plan(BeamSpec()).nodes.values()} == {_DIRECT}


def test_compiled_plan_takes_the_cluster_of_the_config() -> None:
    spec = BeamSpec.model_validate({"runner": "flink", "flink": _FLINK})
    plan = compiled_plan(spec, None, _ROOT)
    assert "--job_endpoint=flink:8099" in plan.nodes["Transform"].arguments


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"runner": "flink", "flink": _FLINK}, ["--rankbeam_worker_start_timeout_s=60"]),
        (
            {"runner": "spark", "spark": _FLINK, "worker_start_timeout_s": 300},
            ["--rankbeam_worker_start_timeout_s=300"],
        ),
        (
            {"direct": {"running_mode": "multi_processing"}},
            ["--rankbeam_worker_start_timeout_s=60"],
        ),
        ({"runner": "dataflow", "dataflow": _DATAFLOW, "worker_start_timeout_s": 5}, []),
    ],
    ids=["flink", "spark", "processes", "dataflow"],
)
def test_nodes_that_need_workers_are_told_how_long_they_may_take(
    section: Mapping[str, Any], told: list[str]
) -> None:
    plan = compiled_plan(BeamSpec.model_validate(section), None, _ROOT)
    for node in plan.nodes.values():
        assert [word for word in node.arguments if "start_timeout" in word] == told


def test_compiled_plan_goes_where_the_flag_says() -> None:
    section = {"dataflow": _DATAFLOW, "nodes": {"Evaluator": {"runner": "direct"}}}
    plan = compiled_plan(BeamSpec.model_validate(section), "dataflow", _ROOT)
    assert {node.arguments[0] for node in plan.nodes.values()} == {"--runner=DataflowRunner"}


def _flink(**more: Any) -> dict[str, Any]:
    return {"runner": "flink", "flink": {**_FLINK, **more}}


REFUSED: dict[str, tuple[Mapping[str, Any], str | None, str]] = {
    "engine of this machine": (
        {"runner": "flink"},
        _ROOT,
        r"beam\.flink\.job_endpoint must be set for a compiled pipeline; got nothing, which means",
    ),
    "pod instead of the engine": (
        _flink(job_endpoint="localhost:8099"),
        _ROOT,
        r"beam\.flink\.job_endpoint must be a host that the cluster knows .*; got localhost:8099$",
    ),
    "address of the pod": (
        {"runner": "spark", "spark": {**_FLINK, "job_endpoint": "127.0.0.1:8099"}},
        _ROOT,
        r"beam\.spark\.job_endpoint must be a host that the cluster knows .*; got 127\.0\.0\.1:80",
    ),
    "name of the machine that compiles": (
        _flink(job_endpoint=f"{socket.gethostname()}:8099"),
        _ROOT,
        r"beam\.flink\.job_endpoint must be a host that the cluster knows ",
    ),
    "staged files in the pod": (
        _flink(artifact_endpoint="localhost:8098"),
        _ROOT,
        r"beam\.flink\.artifact_endpoint must be a host that the cluster .*; got localhost:8098$",
    ),
    "Python in the node's process": (
        _flink(environment={"kind": "loopback"}),
        _ROOT,
        r"beam\.flink\.environment must say where Python runs .*; got loopback and flink:8099$",
    ),
    "Python of this machine": (
        _flink(environment={"kind": "process"}),
        _ROOT,
        r"beam\.flink\.environment\.command must be set for a compiled pipeline; got nothing, ",
    ),
    "artifacts in the pod": (
        _flink(),
        "s3://bucket/pipelines",
        r"kubeflow\.pipeline_root must start with gs:// for the runner flink, .*; got s3://bucket/p",
    ),
    "artifacts of the cluster's own": (
        {"runner": "dataflow", "dataflow": _DATAFLOW},
        None,
        r"kubeflow\.pipeline_root must start with gs:// for the runner dataflow, .*; got nothing$",
    ),
    "one node's artifacts": (
        {"dataflow": _DATAFLOW, "nodes": {"Evaluator": {"runner": "dataflow"}}},
        None,
        r"kubeflow\.pipeline_root must start with gs:// for the runner dataflow, .*; got nothing$",
    ),
    "no section": (
        {"runner": "dataflow"},
        _ROOT,
        r"beam\.dataflow must be set for the runner dataflow \(project, region, temp_location, ",
    ),
    "unknown option": (
        {"options": ["--no_such_option"]},
        None,
        r"beam\.options must be known to .*--no_such_option$",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_compiled_plan_refuses(case: str) -> None:
    section, root, message = REFUSED[case]
    with pytest.raises(ConfigError, match=f"^{message}") as caught:
        compiled_plan(BeamSpec.model_validate(section), None, root)
    assert "\n" not in str(caught.value)
