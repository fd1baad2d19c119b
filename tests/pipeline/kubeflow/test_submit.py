"""A pipeline handed over: what the server then holds, and how a run is followed."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.kubeflow.connection import Connection
from rankbeam.pipeline.kubeflow.follow import Patience
from rankbeam.pipeline.kubeflow.submit import Submission, submit
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault, GateError
from tests.pipeline.compiled.specs import task, write_spec
from tests.pipeline.kubeflow.server import Cluster, kubeflow

_INPUTS = {
    "steps": {"parameterType": "NUMBER_INTEGER", "defaultValue": 10},
    "rate": {"parameterType": "NUMBER_DOUBLE", "isOptional": True},
    "data": {"parameterType": "STRING"},
}
_FAST = Patience(poll_s=0.01, outage_s=5.0)


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    tasks = {"DataGate": task("pass"), "Pusher": task("pass"), "Trainer": task("pass")}
    package = write_spec(tmp_path / "pipeline.yaml", tasks, _INPUTS)
    return Submission(package=package, parameters={"data": "gs://bucket/log"})


def _follow(
    cluster: Cluster, submission: Submission, patience: Patience = _FAST
) -> tuple[list[str], BaseException | None]:
    """The lines printed while a run is followed, and what it ended with."""
    lines: list[str] = []
    with kubeflow(cluster) as url:
        try:
            submit(submission, Connection(url, request_timeout_s=5.0), lines.append, patience)
        except Exception as error:
            return lines, error
    return lines, None


def _failed(name: str, **more: Any) -> dict[str, Any]:
    details = [{"display_name": name, "state": "FAILED", **more}]
    return {"state": "FAILED", "run_details": {"task_details": details}}


def test_submit_creates_pipeline_version_experiment_and_run(submission: Submission) -> None:
    cluster = Cluster()
    lines: list[str] = []
    submission = replace(
        submission,
        experiment="ads",
        run_name="first",
        parameters={"data": "gs://bucket/log", "steps": "20", "rate": "0.5"},
        pipeline_root="gs://bucket/root",
        service_account="runner",
        ui_host="https://ui.example/",
    )
    with kubeflow(cluster) as url:
        run_id = submit(submission, Connection(url), lines.append)
    [pipeline], [version] = cluster.pipelines.values(), cluster.versions.values()
    [experiment], [run] = cluster.experiments.values(), cluster.runs.values()
    assert (pipeline["display_name"], version["pipeline_id"]) == ("tiny", pipeline["pipeline_id"])
    assert version["display_name"].startswith("tiny-")
    assert version["pipeline_spec"]["pipelineInfo"] == {"name": "tiny"}
    assert experiment["display_name"] == "ads"
    assert run == {
        "run_id": run_id,
        "looks": 0,
        "display_name": "first",
        "experiment_id": experiment["experiment_id"],
        "pipeline_version_reference": {
            "pipeline_id": pipeline["pipeline_id"],
            "pipeline_version_id": version["pipeline_version_id"],
        },
        "runtime_config": {
            "parameters": {"data": "gs://bucket/log", "steps": 20, "rate": 0.5},
            "pipeline_root": "gs://bucket/root",
        },
        "service_account": "runner",
    }
    assert lines[-1] == f"link       https://ui.example/#/runs/details/{run_id}"


def test_submit_again_takes_what_is_there(submission: Submission) -> None:
    cluster = Cluster()
    with kubeflow(cluster) as url:
        for _ in range(2):
            submit(submission, Connection(url), print)
        submission.package.write_text(submission.package.read_text() + "# another\n")
        submit(submission, Connection(url), print)
    counts = [len(x) for x in (cluster.pipelines, cluster.experiments, cluster.versions)]
    assert counts == [1, 1, 2]
    assert len(cluster.runs) == 3


def test_submit_takes_what_only_a_cluster_can_give(submission: Submission) -> None:
    settings = {"configMapAsEnv": [{"configMapName": "m", "keyToEnv": []}]}
    package = write_spec(submission.package, {"A": task("pass")}, platform={"A": settings})
    cluster = Cluster()
    with kubeflow(cluster) as url:
        submit(Submission(package=package, parameters={}), Connection(url), print)
    assert len(cluster.runs) == 1


def test_submit_works_in_the_callers_namespace(submission: Submission) -> None:
    cluster = Cluster(multi_user=True)
    cluster.pipelines["other"] = {"display_name": "tiny", "namespace": "bob"}
    with kubeflow(cluster) as url:
        with pytest.raises(ConfigError, match=r"^--namespace must be given: the server keeps one"):
            submit(submission, Connection(url), print)
        submit(replace(submission, namespace="ann"), Connection(url), print)
    spaces = {item["namespace"] for item in (*cluster.pipelines.values(),)}
    assert spaces == {"bob", "ann"}
    assert [item["namespace"] for item in cluster.experiments.values()] == ["ann"]


def test_submit_says_that_a_namespace_means_nothing(submission: Submission) -> None:
    with kubeflow(Cluster()) as url, pytest.raises(ConfigError, match="must be left out"):
        submit(replace(submission, namespace="ann"), Connection(url), print)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "^--parameter must be given for data; got no value$"),
        ({"data": "x", "step": "1"}, r"one of the pipeline's \(data, rate, steps\); got step$"),
        ({"data": "x", "steps": "1.5"}, "^--parameter steps must be a number integer; got 1.5$"),
        ({"data": "x", "rate": "nan"}, "^--parameter rate must be a number double; got nan$"),
    ],
)
def test_submit_checks_parameters_before_anything_is_sent(
    submission: Submission, parameters: dict[str, str], message: str
) -> None:
    cluster = Cluster()
    with kubeflow(cluster) as url, pytest.raises(ConfigError, match=message):
        submit(replace(submission, parameters=parameters), Connection(url), print)
    assert cluster.requests == []


def test_submit_holds_the_runs_own_root_to_beams_workers(tmp_path: Path) -> None:
    tasks = {
        "Transform": task("pass", arguments=["--runner=DataflowRunner"]),
        "Evaluator": task("pass", arguments=["--runner=DirectRunner"]),
    }
    there = Submission(
        package=write_spec(tmp_path / "pipeline.yaml", tasks), pipeline_root="minio://mlpipeline/v2"
    )
    cluster = Cluster()
    lines, error = _follow(cluster, there)
    assert (lines, cluster.versions, type(error)) == ([], {}, ConfigError)
    assert str(error) == (
        "--pipeline-root must start with gs:// for the runner DataflowRunner, whose workers read "
        "artifacts where they are; got minio://mlpipeline/v2"
    )
    _, error = _follow(cluster, replace(there, pipeline_root="gs://bucket/root"))
    assert error is None
    [run] = cluster.runs.values()
    assert run["runtime_config"]["pipeline_root"] == "gs://bucket/root"


@pytest.mark.parametrize("away", [429, 500, 502, 503, 504])
def test_wait_prints_changes_and_returns_at_success(submission: Submission, away: int) -> None:
    running = {"display_name": "trainer", "state": "RUNNING"}
    driver = {"display_name": "trainer-driver", "state": "SUCCEEDED"}
    looks: list[dict[str, Any] | int] = [
        {"state": "PENDING"},
        {"state": "RUNNING", "run_details": {"task_details": [running, driver]}},
        away,
        {"state": "RUNNING", "run_details": {"task_details": [running]}},
        {"state": "SUCCEEDED"},
    ]
    lines, error = _follow(Cluster(looks=looks), submission)
    assert error is None
    told = [line.split() for line in lines[3:]]
    assert [words[:2] for words in told] == [
        ["run", "PENDING"],
        ["run", "RUNNING"],
        ["Trainer", "RUNNING"],
        ["server", "away:"],
        ["run", "SUCCEEDED"],
    ]


@pytest.mark.parametrize(
    ("printed", "kind", "message"),
    [
        (
            "Traceback (most recent call last):\n  File x\n"
            "rankbeam.transform.errors.GateError: model must be blessed\n  got AUC 0.4\n",
            GateError,
            "^model must be blessed\n  got AUC 0.4$",
        ),
        (
            "rankbeam.transform.errors.DataError: column a must be there; got b",
            DataError,
            "^column a must be there; got b$",
        ),
        ("MemoryError", EnvironmentFault, "^run must succeed; got FAILED at Trainer; its log says"),
    ],
)
def test_wait_reads_the_failed_tasks_log(
    submission: Submission, printed: str, kind: type[Exception], message: str
) -> None:
    look = _failed("trainer", child_tasks=[{"pod_name": "pod-7"}, {"pod_name": "pod-8"}])
    _, error = _follow(Cluster(looks=[look], logs={"pod-8": printed}), submission)
    assert type(error) is kind
    with pytest.raises(kind, match=message):
        raise error


def test_wait_takes_a_failed_gate_for_one_where_no_log_is_left(submission: Submission) -> None:
    look = _failed("datagate", error={"code": 2, "message": "exit code 1"})
    _, error = _follow(Cluster(looks=[look]), submission)
    assert isinstance(error, GateError)
    assert str(error) == (
        "run must pass its gates; got FAILED at DataGate: exit code 1; its log says why"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "^run must succeed; got FAILED; its log says why$"),
        ({"error": {"code": 2, "message": "exit 137"}}, "got FAILED: exit 137; its log says why$"),
        ({"pod_name": "pod-7"}, "^nobody clicked$"),
    ],
)
def test_wait_takes_a_failed_task_that_has_no_name(
    submission: Submission, more: dict[str, Any], message: str
) -> None:
    details = {"task_details": [{"state": "FAILED", **more}]}
    logs = {"pod-7": "rankbeam.transform.errors.EnvironmentFault: nobody clicked"}
    cluster = Cluster(looks=[{"state": "FAILED", "run_details": details}], logs=logs)
    _, error = _follow(cluster, submission)
    assert isinstance(error, EnvironmentFault)
    with pytest.raises(EnvironmentFault, match=message):
        raise error


def test_wait_tells_of_a_cancelled_run(submission: Submission) -> None:
    looks: list[dict[str, Any] | int] = [{"state": "CANCELING"}, {"state": "CANCELED"}]
    _, error = _follow(Cluster(looks=looks), submission)
    assert isinstance(error, EnvironmentFault)
    assert str(error) == "run must not be cancelled; got CANCELED"


def test_wait_ends_in_time(submission: Submission) -> None:
    looks: list[dict[str, Any] | int] = [{"state": "RUNNING"}]
    _, error = _follow(Cluster(looks=looks), submission, replace(_FAST, timeout_s=0.2))
    assert isinstance(error, EnvironmentFault)
    assert str(error) == "run must end within --timeout-s; got RUNNING after 0 s; it goes on"


@pytest.mark.parametrize("status", [500, 503])
def test_wait_ends_where_the_server_stays_away(submission: Submission, status: int) -> None:
    cluster = Cluster(looks=[status])
    lines, error = _follow(cluster, submission, replace(_FAST, outage_s=0.2))
    assert isinstance(error, EnvironmentFault)
    told = f"server must be able to show the run; got {status} from http://"
    assert str(error).startswith(told)
    assert [line.split()[:2] for line in lines[3:]] == [["server", "away:"]]
    [run] = cluster.runs.values()
    assert run["looks"] > 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_submit_does_not_send_again_what_a_server_failed_at(
    submission: Submission, method: str
) -> None:
    cluster = Cluster(fails={method: 1})
    lines, error = _follow(cluster, submission)
    assert isinstance(error, EnvironmentFault)
    assert re.search("got 500 from .*: InternalServerError: invalid connection$", str(error))
    assert (lines, len(cluster.paths("POST"))) == ([], 0 if method == "GET" else 1)
