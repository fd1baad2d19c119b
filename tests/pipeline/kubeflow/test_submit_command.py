"""`rankbeam submit` as a user runs it."""

from pathlib import Path

import pytest

from rankbeam.pipeline.cli.main import main
from tests.e2e.tiny import NODES, write_config
from tests.gcs.server import GcsServer
from tests.pipeline.beam.storage import storage
from tests.pipeline.compiled.specs import task, write_spec
from tests.pipeline.kubeflow.server import Cluster, kubeflow

_SECRET = "s3cr3t-t0ken"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    inputs = {"steps": {"parameterType": "NUMBER_INTEGER", "defaultValue": 10}}
    return write_spec(tmp_path / "pipeline.yaml", {"DataGate": task("pass")}, inputs)


def _code(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_submit_command_prints_the_link_and_follows(
    package: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANKBEAM_KFP_TOKEN", _SECRET)
    cluster = Cluster(token=_SECRET, looks=[{"state": "RUNNING"}, {"state": "SUCCEEDED"}])
    with kubeflow(cluster) as url:
        words = ("submit", "--compiled", package, "--host", url, "--run-name", "mine")
        assert _code(*words, "--parameter", "steps=7", "--wait", "--poll-s", "0.01") == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[1:] == [
        "run        mine",
        f"link       {url}/#/runs/details/run-1",
        "  run               RUNNING",
        "  run               SUCCEEDED",
    ]
    [run] = cluster.runs.values()
    assert run["runtime_config"]["parameters"] == {"steps": 7}
    assert _SECRET not in out


@pytest.mark.parametrize(
    ("state", "task_name", "code"),
    [("FAILED", "datagate", 4), ("FAILED", "other", 5), ("CANCELED", "datagate", 5)],
)
def test_submit_command_ends_as_the_run_does(
    package: Path, capfd: pytest.CaptureFixture[str], state: str, task_name: str, code: int
) -> None:
    details = {"task_details": [{"display_name": task_name, "state": "FAILED"}]}
    with kubeflow(Cluster(looks=[{"state": state, "run_details": details}])) as url:
        words = ("submit", "--compiled", package, "--host", url, "--wait", "--poll-s", "0.01")
        assert _code(*words) == code
    err = capfd.readouterr().err
    assert err.startswith("error: run must ")
    assert state in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "error: CONFIG or --compiled must be given, and not both\n"),
        (("rankbeam.yaml", "--compiled", "p.yaml"), "must be given, and not both\n"),
        (("--compiled", "p.yaml", "--timeout-s", "5"), "must come with --wait; got 5 alone\n"),
        (("--compiled", "p.yaml", "--parameter", "a"), "must be NAME=VALUE; got a\n"),
        (("--compiled", "p.yaml", "--parameter", "a=1", "--parameter", "a=2"), "got a twice\n"),
        (("--compiled", "p.yaml", "--beam-runner", "flink"), "which says it; got flink\n"),
        (("--compiled", "/no/such.yaml"), "must be readable; got /no/such.yaml"),
    ],
)
def test_submit_command_checks_its_words(
    capfd: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert _code("submit", "--host", "http://127.0.0.1:1", *words) == 2
    assert message in capfd.readouterr().err


def test_submit_command_says_that_it_got_no_answer(
    package: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("submit", "--compiled", package, "--host", "http://127.0.0.1:1", "--cookie", _SECRET)
    assert _code(*words) == 5
    err = capfd.readouterr().err
    assert err.startswith("error: --host must be reachable; got http://127.0.0.1:1: ")
    assert _SECRET not in err


@pytest.mark.slow
def test_submit_command_compiles_a_config(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster()
    given = {"data_path": "gs://bucket/market", "push_destination": "gs://bucket/models"}
    words = [f"--parameter={name}={value}" for name, value in given.items()]
    with kubeflow(cluster) as url:
        assert _code("submit", write_config(tmp_path), "--host", url, *words) == 0
    assert capfd.readouterr().out.splitlines()[-1] == f"link       {url}/#/runs/details/run-1"
    [version], [run] = cluster.versions.values(), cluster.runs.values()
    assert set(version["pipeline_spec"]["root"]["dag"]["tasks"]) == set(NODES)
    assert run["runtime_config"]["parameters"] == given


@pytest.mark.slow
@pytest.mark.parametrize("bucket", ["here", "forbidden", "nowhere"])
def test_submit_command_looks_for_dataflows_buckets(
    gcs: GcsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    bucket: str,
) -> None:
    place = {"project": "p", "region": "r", "sdk_container_image": "registry/rankbeam-beam:1"}
    changes = {
        "kubeflow": {"pipeline_root": "gs://here/root", "data_root": "gs://here/data"},
        "beam.dataflow": {**place, "temp_location": f"gs://{bucket}/tmp"},
    }
    config, cluster = write_config(tmp_path, changes), Cluster()
    with storage(gcs, monkeypatch), kubeflow(cluster) as url:
        code = _code("submit", config, "--host", url, "--beam-runner", "dataflow")
    out, err = capfd.readouterr()
    assert (code, len(cluster.runs)) == ((5, 0) if bucket == "nowhere" else (0, 1))
    assert ("must be in a bucket that exists; got gs://nowhere/tmp" in err) == (bucket == "nowhere")
    told = "not seen   beam.dataflow.temp_location gs://forbidden/tmp: 403 "
    assert out.startswith(told) == (bucket == "forbidden")


@pytest.mark.slow
def test_submit_command_compiles_for_the_root_that_it_is_given(
    gcs: GcsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    place = {"project": "p", "region": "r", "sdk_container_image": "registry/rankbeam-beam:1"}
    changes = {
        "kubeflow": {"data_root": "gs://here/data"},
        "beam.dataflow": {**place, "temp_location": "gs://here/tmp"},
    }
    config, cluster = write_config(tmp_path, changes), Cluster()
    told = {}
    for root in ("s3://here/root", "gs://here/root"):
        options = ("--beam-runner", "dataflow", "--pipeline-root", root)
        with storage(gcs, monkeypatch), kubeflow(cluster) as url:
            told[root] = _code("submit", config, "--host", url, *options)
    assert told == {"s3://here/root": 2, "gs://here/root": 0}
    assert "must start with gs:// for the runner dataflow" in capfd.readouterr().err
    [version] = cluster.versions.values()
    assert version["pipeline_spec"]["defaultPipelineRoot"] == "gs://here/root"


@pytest.mark.parametrize("option", ["--temp_location", "--staging_location"])
@pytest.mark.parametrize("bucket", ["here", "forbidden", "nowhere"])
def test_submit_command_looks_for_the_buckets_of_a_compiled_pipeline(
    gcs: GcsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    bucket: str,
    option: str,
) -> None:
    place = ["--runner=DataflowRunner", "--project=p", "--temp_location=gs://here/tmp"]
    tasks = {
        # Another runner's options say nothing of Dataflow, wherever they point.
        "Evaluator": task(
            "pass", arguments=["--runner=DirectRunner", "--temp_location=gs://nowhere/else"]
        ),
        "StatisticsGen": task("pass", arguments=place),
        "Transform": task("pass", arguments=[*place, f"{option}=gs://{bucket}/x"]),
    }
    package, cluster = write_spec(tmp_path / "pipeline.yaml", tasks), Cluster()
    with storage(gcs, monkeypatch), kubeflow(cluster) as url:
        code = _code("submit", "--compiled", package, "--host", url)
    out, err = capfd.readouterr()
    assert (code, len(cluster.runs)) == ((5, 0) if bucket == "nowhere" else (0, 1))
    field = f"beam.dataflow.{option.removeprefix('--')}"
    told = f"error: {field} must be in a bucket that exists; got gs://nowhere/x, and no bucket "
    assert err.startswith(told) == (bucket == "nowhere")
    assert [line for line in out.splitlines() if line.startswith("not seen")] == (
        [out.splitlines()[0]] if bucket == "forbidden" else []
    )
    assert (f"not seen   {field} gs://forbidden/x: 403 " in out) == (bucket == "forbidden")
    if bucket == "nowhere":
        assert cluster.requests == []
