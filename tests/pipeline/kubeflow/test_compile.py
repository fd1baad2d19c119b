"""What a config's `kubeflow` section makes of the compiled pipeline."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp import components

from rankbeam.transform.errors import ConfigError
from tests.e2e.tiny import NODES
from tests.pipeline.kubeflow.compiled_documents import compiled, documents

FULL: dict[str, Any] = {
    "image": "registry.example/ads/rankbeam:7",
    "pipeline_root": "gs://bucket/pipelines",
    "data_root": "gs://bucket/data",
    "volumes": [{"claim": "models", "mount_path": "/mnt/models"}],
    "defaults": {
        "cpu": 2,
        "memory_gb": 8,
        "retries": {"max_retries": 2},
        "env": {"LEVEL": "info", "REGION": "eu"},
        "node_selector": {"pool": "cpu"},
        "secrets": [{"name": "lake", "env": {"LAKE_KEY": "key", "LAKE_ID": "id"}}],
    },
    "nodes": {
        "Trainer": {
            "cpu": 7.5,
            "memory_gb": 30,
            "accelerator": {"type": "nvidia.com/gpu", "count": 2},
            "retries": {"max_retries": 0},
            "env": {"LEVEL": "debug"},
            "node_selector": {"pool": "gpu", "zone": "a"},
            "secrets": [{"name": "certificates", "mount_path": "/etc/certificates"}],
            "cache": False,
        },
        "ExampleGen": {"cache": True},
    },
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compiled(tmp_path_factory.mktemp("full"), {"kubeflow": FULL})


def _containers(text: str) -> dict[str, Any]:
    executors = documents(text)[0]["deploymentSpec"]["executors"]
    return {label.removesuffix("_executor"): each["container"] for label, each in executors.items()}


def test_compile_keeps_every_node_in_one_image(full: str) -> None:
    containers = _containers(full)
    assert set(containers) == set(NODES)
    for container in containers.values():
        assert container["image"] == FULL["image"]
        assert container["command"] == ["python", "-m", "rankbeam.pipeline.kubeflow.entry"]
        assert "lifecycle" not in container  # a hook that only Vertex runs
    assert "resolver" not in full.lower()
    spec, _ = documents(full)
    assert (spec["schemaVersion"], spec["defaultPipelineRoot"]) == ("2.1.0", FULL["pipeline_root"])


def test_compile_gives_nodes_their_resources(full: str) -> None:
    containers = _containers(full)
    assert containers["Trainer"]["resources"] == {
        "cpuLimit": 7.5,
        "memoryLimit": 30.0,
        "accelerator": {"type": "nvidia.com/gpu", "count": "2"},
    }
    assert containers["Transform"]["resources"] == {"cpuLimit": 2.0, "memoryLimit": 8.0}


def test_compile_gives_nodes_their_environment(full: str) -> None:
    containers = _containers(full)
    assert containers["Trainer"]["env"] == [
        {"name": "LEVEL", "value": "debug"},
        {"name": "REGION", "value": "eu"},
    ]
    assert containers["Pusher"]["env"][0] == {"name": "LEVEL", "value": "info"}


def test_compile_gives_nodes_their_retries_and_caching(full: str) -> None:
    tasks = documents(full)[0]["root"]["dag"]["tasks"]
    assert "retryPolicy" not in tasks["Trainer"]
    assert tasks["Transform"]["retryPolicy"] == {
        "maxRetryCount": 2,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "600s",
    }
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert set(NODES) - cached == {"Trainer", "Baseline", "Pusher"}


def test_compile_caches_no_data_unless_told_by_name(tmp_path: Path) -> None:
    text = compiled(tmp_path, {"kubeflow.defaults": {"cache": True}})
    tasks = documents(text)[0]["root"]["dag"]["tasks"]
    free = {name for name, task in tasks.items() if not task["cachingOptions"]}
    assert free == {"ExampleGen", "Baseline", "Pusher"}


def test_compile_writes_what_kubernetes_alone_knows_into_the_platform_spec(full: str) -> None:
    executors = documents(full)[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    lake = {
        "secretName": "lake",
        "keyToEnv": [
            {"secretKey": "id", "envVar": "LAKE_ID"},
            {"secretKey": "key", "envVar": "LAKE_KEY"},
        ],
    }
    mount = {"constant": "models", "mountPath": "/mnt/models"}
    assert executors["Transform_executor"] == {
        "nodeSelector": {"labels": {"pool": "cpu"}},
        "secretAsEnv": [lake],
        "pvcMount": [mount],
    }
    assert executors["Trainer_executor"] == {
        "nodeSelector": {"labels": {"pool": "gpu", "zone": "a"}},
        "secretAsEnv": [lake],
        "secretAsVolume": [{"secretName": "certificates", "mountPath": "/etc/certificates"}],
        "pvcMount": [mount],
    }
    assert set(executors) == {f"{node}_executor" for node in NODES}


def test_compiled_pipeline_loads_in_the_kubeflow_sdk(full: str) -> None:
    loaded = components.load_component_from_text(full)
    inputs = {name: spec.default for name, spec in loaded.component_spec.inputs.items()}
    assert inputs == {
        "data_path": "gs://bucket/data",
        "span": -1,
        "training_steps": 0,
        "push_destination": "gs://bucket/pipelines/tiny/pushed",
    }
    assert list(loaded.platform_spec.platforms) == ["kubernetes"]


@pytest.mark.parametrize(
    ("parameter", "users"),
    [
        ("data_path", {("ExampleGen", "input_base")}),
        ("span", {("ExampleGen", "asked_span")}),
        ("training_steps", {("Trainer", "max_steps")}),
        ("push_destination", {("Baseline", "destination"), ("Pusher", "destination")}),
    ],
)
def test_compiled_parameters_reach_the_nodes(
    full: str, parameter: str, users: set[tuple[str, str]]
) -> None:
    tasks = documents(full)[0]["root"]["dag"]["tasks"]
    assert users == {
        (name, own)
        for name, task in tasks.items()
        for own, source in task["inputs"].get("parameters", {}).items()
        if source.get("componentInputParameter") == parameter
    }


def test_compiled_steps_are_the_configs_unless_a_run_sets_them(tmp_path: Path) -> None:
    spec, _ = documents(compiled(tmp_path, {"training": {"max_steps": 40}}))
    assert spec["root"]["inputDefinitions"]["parameters"]["training_steps"]["defaultValue"] == 40
    told = spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["parameters"]["custom_config"]
    options = json.loads(json.loads(told["runtimeValue"]["constant"])["rankbeam"])
    assert options["training"]["max_steps"] is None


def test_compile_reads_a_schema_where_the_data_are(tmp_path: Path) -> None:
    changes = {"data.schema_path": "schema.pbtxt", "kubeflow.data_root": "gs://bucket/data"}
    tasks = documents(compiled(tmp_path, changes))[0]["root"]["dag"]["tasks"]
    assert tasks["ImportSchemaGen"]["inputs"]["parameters"]["schema_file"] == {
        "runtimeValue": {"constant": "gs://bucket/data/schema.pbtxt"}
    }


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "data of this machine": (
        {"data.source.path": "/users/ann/log/*.parquet"},
        r"data\.source\.path must be a URI or a path below .*; got /users/ann/log$",
    ),
    "root of this machine": (
        {"kubeflow.data_root": "/home/ann"},
        r"kubeflow\.data_root must be a URI or a path below .*; got /home/ann$",
    ),
    "destination of this machine": (
        {"push.destination": "/srv/models"},
        r"push\.destination must be a URI or a path below .*; got /srv/models$",
    ),
    "schema without a root": (
        {"data.schema_path": "schema.pbtxt"},
        r"kubeflow\.data_root must be set where .*; got nothing for schema\.pbtxt$",
    ),
    "node that is not there": (
        {"kubeflow.nodes": {"ImportSchemaGen": {"cpu": 1}}},
        r"kubeflow\.nodes must name nodes of this pipeline \(.*\); got ImportSchemaGen$",
    ),
    "cached push": (
        {"kubeflow.nodes": {"Pusher": {"cache": True}}},
        r"kubeflow\.nodes\.Pusher\.cache must not be true, since .*; got true",
    ),
    "secret for nothing": (
        {"kubeflow.defaults": {"secrets": [{"name": "lake"}]}},
        r"a secret must set env or mount_path; got neither for lake",
    ),
    "unknown node": ({"kubeflow.nodes": {"Trainr": {}}}, r"Trainr must be one of"),
    "unknown field": (
        {"kubeflow.defaults": {"memory": 8}},
        r"kubeflow\.defaults\.memory is not a known key",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_compile_refuses(tmp_path: Path, case: str) -> None:
    changes, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        compiled(tmp_path, changes)


def test_compile_takes_paths_on_a_volume(tmp_path: Path) -> None:
    changes = {
        "data.source.path": "/mnt/lake/log/*.parquet",
        "push.destination": "/mnt/lake/models",
        "kubeflow.volumes": [{"claim": "lake", "mount_path": "/mnt/lake"}],
    }
    declared = documents(compiled(tmp_path, changes))[0]["root"]["inputDefinitions"]["parameters"]
    assert declared["data_path"]["defaultValue"] == "/mnt/lake/log"
    assert declared["push_destination"]["defaultValue"] == "/mnt/lake/models"
    assert "span" not in declared


def test_compile_makes_a_job_for_vertex(tmp_path: Path) -> None:
    changes = {
        "kubeflow": {
            "pipeline_root": "gs://bucket/root",
            "data_root": "gs://bucket/data",
            "nodes": {"Trainer": {"cpu": 4, "env": {"A": "b"}, "accelerator": {"type": "TESLA"}}},
        }
    }
    job = json.loads(compiled(tmp_path, changes, "vertex"))
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/root"
    spec = job["pipelineSpec"]
    assert set(spec["root"]["dag"]["tasks"]) == set(NODES)
    trainer = spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]
    assert trainer["resources"]["accelerator"] == {"type": "TESLA", "count": "1"}
    assert trainer["env"] == [{"name": "A", "value": "b"}]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, r"kubeflow\.pipeline_root must start with gs:// for Vertex; got nothing"),
        (
            {"defaults": {"node_selector": {"pool": "a"}}},
            r"kubeflow\.defaults\.node_selector must be empty for Vertex, .*; got pool",
        ),
        (
            {"nodes": {"Pusher": {"secrets": [{"name": "lake", "env": {"A": "a"}}]}}},
            r"kubeflow\.nodes\.Pusher\.secrets must be empty for Vertex, .*; got lake",
        ),
        (
            {"volumes": [{"claim": "lake", "mount_path": "/mnt"}]},
            r"kubeflow\.volumes must be empty for Vertex, .*; got lake",
        ),
    ],
)
def test_compile_refuses_what_vertex_lacks(
    tmp_path: Path, section: dict[str, Any], message: str
) -> None:
    root = {"pipeline_root": "gs://bucket/root"} if section else {}
    with pytest.raises(ConfigError, match=message):
        compiled(tmp_path, {"kubeflow": {**root, **section}}, "vertex")
