"""The Compose file: valid by the Compose Specification, and it mounts what is generated."""

import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rankbeam.serving.manifests.compose import compose_file
from rankbeam.serving.manifests.generate import generate
from rankbeam.serving.manifests.plan import Plan
from tests.serving.manifests.plans import BATCHING, EVERY_PLAN, EVERYTHING, OUTPUT, plan
from tests.serving.manifests.schemas import check_compose, documents


def _compose(wanted: Plan) -> dict[str, Any]:
    (document,) = documents(compose_file(wanted, OUTPUT))
    return document


@pytest.mark.parametrize("wanted", EVERY_PLAN.values(), ids=EVERY_PLAN)
def test_the_file_is_valid_by_the_compose_specification(wanted: Plan) -> None:
    check_compose(_compose(wanted))


@pytest.mark.parametrize(
    ("field", "value"), [("restrat", "always"), ("read_only", ["yes"]), ("volumes", "models")]
)
def test_the_schema_refuses_an_unknown_or_mistyped_field(field: str, value: object) -> None:
    document = _compose(plan())
    check_compose(document)
    document["services"]["serving"][field] = value
    # The schema's parts are joined: a mistyped field makes its whole part unexpected.
    with pytest.raises(jsonschema.ValidationError, match=rf"'{field}'.* (was|were) unexpected"):
        check_compose(document)


def test_every_mounted_folder_is_generated() -> None:
    wanted = plan(EVERYTHING, batching=BATCHING)
    files = generate(wanted, OUTPUT, ["compose"]).files
    (document,) = documents(files["compose.yaml"])
    folders = {str(parent) for name in files for parent in Path(name).parents}
    for service in document["services"].values():
        for volume in service["volumes"]:
            if volume["type"] == "volume":
                assert volume["source"] in document["volumes"]
            elif not volume["source"].startswith(("$", "../tls/")):
                assert str(Path(volume["source"])) in folders
    flags = document["services"]["serving"]["command"]
    mounted = {f"/etc/tensorflow-serving/{Path(name).name}" for name in files if "config/" in name}
    named = {flag.split("=", 1)[1] for flag in flags if "/etc/tensorflow-serving/" in flag}
    assert named == mounted


def test_certificates_are_mounted_from_the_configs_file() -> None:
    serving = _compose(plan(EVERYTHING))["services"]["serving"]
    volume = serving["volumes"][-1]
    assert volume["source"] == "../tls/ssl.config"
    assert f"--ssl_config_file={volume['target']}" in serving["command"]


def test_models_are_mounted_relative_to_the_file() -> None:
    volume = _compose(plan())["services"]["serving"]["volumes"][1]
    assert volume["source"] == "${RANKBEAM_MODELS:-../out/pushed}"
    assert volume["target"] == "/models/shop"
    assert volume["bind"] == {"create_host_path": False}
    folder = _compose(EVERY_PLAN["folder"])["services"]["serving"]["volumes"][1]
    assert folder["source"] == "${RANKBEAM_MODELS:-../../../mnt/models/shop}"
    assert len(_compose(EVERY_PLAN["bucket"])["services"]["serving"]["volumes"]) == 1


def test_monitoring_starts_only_with_its_profile() -> None:
    services = _compose(plan())["services"]
    assert "profiles" not in services["serving"]
    assert services["prometheus"]["profiles"] == services["grafana"]["profiles"] == ["monitoring"]


def test_every_setting_of_the_config_is_used() -> None:
    services = _compose(plan(EVERYTHING))["services"]
    serving = services["serving"]
    assert serving["image"] == "${TF_SERVING_IMAGE:-registry.example/serving:2.18.0}"
    assert serving["user"] == "4321:4321"
    assert [(p["published"], p["target"]) for p in serving["ports"]] == [
        ("9500", 8500),
        ("9501", 8501),
    ]
    assert serving["stop_grace_period"] == "33s"
    assert serving["healthcheck"]["start_period"] == "121s"
    resources = serving["deploy"]["resources"]
    assert resources["limits"] == {"memory": f"{6 * 2**30}b", "cpus": "4"}
    assert resources["reservations"] == {"memory": f"{3 * 2**30}b"}
    assert services["prometheus"]["image"] == "registry.example/prometheus:v9"
    assert "--storage.tsdb.retention.time=3d" in services["prometheus"]["command"]
    assert services["prometheus"]["ports"][0]["published"] == "19090"
    assert services["grafana"]["image"] == "registry.example/grafana:9"
    assert services["grafana"]["ports"][0]["published"] == "13000"


def test_ports_are_open_to_this_machine_only() -> None:
    for service in _compose(plan())["services"].values():
        for port in service["ports"]:
            assert port["host_ip"] == "${BIND_ADDRESS:-127.0.0.1}"


def test_health_check_is_one_bash_command_about_the_model() -> None:
    kind, shell, option, script = _compose(plan())["services"]["serving"]["healthcheck"]["test"]
    assert (kind, shell, option) == ("CMD", "bash", "-c")
    assert "GET /v1/models/shop HTTP/1.0\\r\\n\\r\\n" in shlex.split(script)
