"""The node: real artifacts in, a version out, or an error that ends the run."""

import json
from pathlib import Path
from typing import Any

import pytest
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, Channel, standard_artifacts

from rankbeam.components.parity.certificate import Certificate, write_certificate
from rankbeam.components.pusher.component import Pusher
from rankbeam.components.pusher.executor import Executor
from rankbeam.components.pusher.spec import PushOptions, PushSpec
from rankbeam.components.remote.files import download_folder
from rankbeam.serving.content import content_digest, read_record
from rankbeam.transform.errors import ConfigError, EnvironmentFault, GateError

Inputs = dict[str, list[Artifact]]


def _artifact(kind: type[Artifact], uri: Path) -> Artifact:
    uri.mkdir(parents=True)
    artifact = kind()
    artifact.uri = str(uri)
    return artifact


def _saved_model(folder: Path, graph: bytes = b"graph") -> None:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(graph)
    (folder / "variables" / "variables.index").write_bytes(b"index")


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """A model as the Evaluator, the InfraValidator and the ParityCheck leave it."""
    model = _artifact(standard_artifacts.Model, tmp_path / "model")
    _saved_model(tmp_path / "model" / "Format-Serving")
    blessing = _artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    blessing.set_int_custom_property("blessed", 1)
    blessing.set_string_custom_property("current_model", model.uri)
    (tmp_path / "blessing" / "BLESSED").write_text("")
    infra = _artifact(standard_artifacts.InfraBlessing, tmp_path / "infra")
    infra.set_int_custom_property("blessed", 1)
    infra.set_int_custom_property("has_model", 1)
    infra.set_string_custom_property("current_model", model.uri)
    (tmp_path / "infra" / "INFRA_BLESSED").write_text("")
    _saved_model(tmp_path / "infra" / "stamped_model")
    (tmp_path / "infra" / "stamped_model" / "assets.extra").mkdir()
    warmup = tmp_path / "infra" / "stamped_model" / "assets.extra" / "tf_serving_warmup_requests"
    warmup.write_bytes(b"warm")
    certified = _artifact(standard_artifacts.InfraBlessing, tmp_path / "parity")
    write_certificate(certified, _certificate(tmp_path / "model" / "Format-Serving"), model.uri)
    return {
        "model": [model],
        "model_blessing": [blessing],
        "infra_blessing": [infra],
        "parity": [certified],
    }


def _certificate(folder: Path) -> Certificate:
    """A passed certificate for the model in a folder."""
    return Certificate(
        passed=True,
        reason="",
        model_digest=content_digest(folder),
        transform_hash="",
        server="embedded",
        seed=1,
        max_abs_difference=0.0,
        examples=1,
        kinds={"real": 1},
        paths=(),
    )


def _push(inputs: Inputs, destination: Path, uri: str | None = None, **spec: object) -> Artifact:
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(destination.parent / "artifact")
    options = PushOptions(push=PushSpec.model_validate(spec), model_name="ads")
    executor: base_executor.BaseExecutor = Executor()
    properties = {"options": options.model_dump_json(), "destination": uri or str(destination)}
    executor.Do(inputs, {"pushed_model": [pushed]}, properties)
    return pushed


def test_pusher_pushes_the_rehearsed_model_with_its_warmup(inputs: Inputs, tmp_path: Path) -> None:
    pushed = _push(inputs, tmp_path / "pushed")
    version = tmp_path / "pushed" / "1"
    assert (version / "saved_model.pb").read_bytes() == b"graph"
    assert (version / "assets.extra" / "tf_serving_warmup_requests").read_bytes() == b"warm"
    record = read_record(version)
    assert record is not None
    assert (record.model_name, record.version) == ("ads", 1)
    assert (record.model_blessing, record.infra_blessing) == ("blessed", "blessed")
    assert record.parity == "blessed"
    assert record.digest == content_digest(version)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    assert pushed.get_string_custom_property("pushed_version") == "1"
    assert json.loads((Path(pushed.uri) / "rankbeam_push.json").read_text())["version"] == 1


def test_pusher_pushes_to_wherever_a_uri_leads(inputs: Inputs, tmp_path: Path, place: str) -> None:
    pushed = _push(inputs, tmp_path / "artifact", f"{place}/pushed")
    assert pushed.get_string_custom_property("pushed_destination") == f"{place}/pushed/1"
    download_folder(f"{place}/pushed/1", tmp_path / "copy")
    assert (tmp_path / "copy/saved_model.pb").read_bytes() == b"graph"
    assert (tmp_path / "copy/assets.extra/tf_serving_warmup_requests").read_bytes() == b"warm"
    record = read_record(tmp_path / "copy")
    assert record is not None
    assert record.digest == content_digest(tmp_path / "copy")
    again = _push(inputs, tmp_path / "artifact", f"{place}/pushed")
    assert again.get_int_custom_property("is_new") == 0


def test_pusher_same_model_twice_is_one_version(inputs: Inputs, tmp_path: Path) -> None:
    first, again = _push(inputs, tmp_path / "pushed"), _push(inputs, tmp_path / "pushed")
    assert [row.get_int_custom_property("is_new") for row in (first, again)] == [1, 0]
    assert again.get_string_custom_property("pushed_version") == "1"
    assert [path.name for path in (tmp_path / "pushed").iterdir()] == ["1"]


def test_pusher_explicit_version_that_is_taken_collides(inputs: Inputs, tmp_path: Path) -> None:
    _saved_model(tmp_path / "pushed" / "2", b"theirs")
    with pytest.raises(GateError, match=r"must be free or hold the same model; .*/pushed/2"):
        _push(inputs, tmp_path / "pushed", version=2)


VALIDATORS = {
    "model_blessing": "Evaluator",
    "infra_blessing": "InfraValidator",
    "parity": "ParityCheck",
}
NOT_BLESSED = {
    "model_blessing": "NOT_BLESSED",
    "infra_blessing": "INFRA_NOT_BLESSED",
    "parity": "PARITY_FAILED",
}
BLESSED = {
    "model_blessing": "BLESSED",
    "infra_blessing": "INFRA_BLESSED",
    "parity": "PARITY_PASSED",
}


@pytest.mark.parametrize("which", VALIDATORS)
@pytest.mark.parametrize(
    "fault", ["absent", "empty", "property 0", "file", "silent", "other model"]
)
def test_pusher_fails_closed(inputs: Inputs, tmp_path: Path, which: str, fault: str) -> None:
    message = _spoil(inputs, which, fault)
    with pytest.raises(GateError, match=message.format(validator=VALIDATORS[which])):
        _push(inputs, tmp_path / "pushed")
    assert not (tmp_path / "pushed").exists()
    assert not (tmp_path / "artifact").exists()


@pytest.mark.parametrize("which", VALIDATORS)
@pytest.mark.parametrize("fault", ["absent", "property 0", "silent"])
def test_pusher_pushes_without_a_blessing_only_by_name(
    inputs: Inputs, tmp_path: Path, which: str, fault: str
) -> None:
    _spoil(inputs, which, fault)
    waived: dict[str, Any] = {f"require_{which}": False}
    _push(inputs, tmp_path / "pushed", **waived)
    record = read_record(tmp_path / "pushed" / "1")
    assert record is not None
    assert getattr(record, which) == "not required"
    warmup = tmp_path / "pushed" / "1" / "assets.extra" / "tf_serving_warmup_requests"
    assert warmup.exists() == (which != "infra_blessing")


def test_pusher_certificate_for_other_bytes_stops_the_push(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "infra" / "stamped_model" / "saved_model.pb").write_bytes(b"changed since")
    pattern = (
        f"must be for the model that is pushed, sha256:[0-9a-f]{{64}}; "
        f"got one for {content_digest(tmp_path / 'model' / 'Format-Serving')}"
    )
    with pytest.raises(GateError, match=pattern):
        _push(inputs, tmp_path / "pushed")
    assert list((tmp_path / "pushed").iterdir()) == []
    _push(inputs, tmp_path / "pushed", require_parity=False)
    record = read_record(tmp_path / "pushed" / "1")
    assert record is not None
    assert record.parity == "not required"


def test_pusher_certificate_that_cannot_be_read_stops_the_push(
    inputs: Inputs, tmp_path: Path
) -> None:
    (tmp_path / "parity" / "parity_certificate.json").write_text("{}")
    with pytest.raises(GateError, match="push needs the ParityCheck's certificate; "):
        _push(inputs, tmp_path / "pushed")


def _spoil(inputs: Inputs, which: str, fault: str) -> str:
    """Takes a good blessing away; returns the pattern of the error that is due."""
    (artifact,) = inputs[which]
    if fault in ("absent", "empty"):
        inputs.pop(which)
        inputs |= {which: []} if fault == "empty" else {}
        return "push needs the {validator}'s blessing; the run has none"
    if fault == "property 0":
        artifact.set_int_custom_property("blessed", 0)
        artifact.set_string_custom_property("reason", "too slow")
        return "model is not blessed by the {validator}: too slow"
    if fault == "file":
        (Path(artifact.uri) / NOT_BLESSED[which]).write_text("")
        return "model is not blessed by the {validator}"
    if fault == "other":
        artifact.set_string_custom_property("current_model", "/other")
        return "the {validator}'s blessing must be for the model .*; got one for /other"
    silent = type(artifact)()
    silent.uri = artifact.uri
    (Path(artifact.uri) / BLESSED[which]).unlink()
    inputs[which] = [silent]
    return "push needs the {validator}'s verdict; .* holds none"


def test_pusher_believes_tfx_components_marks(inputs: Inputs) -> None:
    """The artifacts above are what TFX's own Pusher would push."""
    assert model_utils.is_model_blessed(inputs["model_blessing"][0])
    assert model_utils.is_infra_validated(inputs["infra_blessing"][0])


def test_pusher_missing_source_is_an_error_and_leaves_nothing(
    inputs: Inputs, tmp_path: Path
) -> None:
    inputs["infra_blessing"][0].set_int_custom_property("has_model", 0)
    (tmp_path / "model" / "Format-Serving").rename(tmp_path / "model" / "gone")
    with pytest.raises(EnvironmentFault, match=r"must hold a SavedModel; .*Format-Serving"):
        _push(inputs, tmp_path / "pushed")
    assert list((tmp_path / "pushed").iterdir()) == []


def test_pusher_destination_that_cannot_be_written_is_a_fault(
    inputs: Inputs, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot write push\.destination .*/file/pushed"):
        _push(inputs, tmp_path / "file" / "pushed")


def test_pusher_node_refuses_to_be_wired_without_a_required_blessing() -> None:
    model = Channel(type=standard_artifacts.Model)
    infra = Channel(type=standard_artifacts.InfraBlessing)
    with pytest.raises(ConfigError, match=r"must get model_blessing unless push\.require_model_"):
        Pusher(model, None, infra, spec=PushSpec(), destination="/d", model_name="ads")
    with pytest.raises(ConfigError, match=r"must get parity unless push\.require_parity is false"):
        Pusher(model, infra, infra, None, spec=PushSpec(), destination="/d", model_name="ads")
    free = PushSpec(require_model_blessing=False)
    node = Pusher(model, None, infra, infra, spec=free, destination="/d", model_name="ads")
    assert PushOptions.model_validate_json(node.exec_properties["options"]) == PushOptions(
        push=free, model_name="ads"
    )
    assert node.exec_properties["destination"] == "/d"
