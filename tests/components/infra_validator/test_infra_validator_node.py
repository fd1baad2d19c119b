"""The node on tiny real models, real TFRecords and real server processes."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tfx.types import Artifact, Channel, artifact_utils, standard_artifacts
from tfx.utils import path_utils

from rankbeam.components.infra_validator.component import InfraValidator
from rankbeam.components.infra_validator.executor import Executor
from rankbeam.components.infra_validator.spec import InfraValidationSpec
from rankbeam.transform.errors import EnvironmentFault
from tests.serving import tiny_models


@pytest.fixture
def examples(tmp_path: Path) -> Artifact:
    folder = tmp_path / "examples" / "Split-eval"
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data"), "GZIP") as writer:
        for row in tiny_models.examples() * 5:
            writer.write(row)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder.parent)
    artifact.split_names = artifact_utils.encode_split_names(["eval"])
    return artifact


def _model(tmp_path: Path, scale: float = 1.0) -> Artifact:
    tiny_models.save(tmp_path / "model" / "Format-Serving", scale=scale)
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "model")
    return artifact


def _validate(model: Artifact, examples: Artifact, **spec: object) -> Artifact:
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(Path(model.uri).parent / "blessing")
    options = InfraValidationSpec.model_validate({"num_examples": 12, "timeout_s": 60.0} | spec)
    Executor().Do(
        {"model": [model], "examples": [examples]},
        {"blessing": [blessing]},
        {"options": options.model_dump_json()},
    )
    return blessing


def _not_blessed_for(blessing: Artifact) -> str:
    assert blessing.get_int_custom_property("blessed") == 0
    assert blessing.get_int_custom_property("has_model") == 0
    assert sorted(os.listdir(blessing.uri)) == ["INFRA_NOT_BLESSED", "infra_validation.json"]
    report = json.loads((Path(blessing.uri) / "infra_validation.json").read_text())
    reason = blessing.get_string_custom_property("reason")
    assert (report["blessed"], report["reason"]) == (False, reason)
    return str(reason)


@pytest.mark.slow
def test_infra_validator_blesses_a_model_that_is_served_as_it_is(
    tmp_path: Path, examples: Artifact
) -> None:
    model = _model(tmp_path)
    blessing = _validate(model, examples)
    assert sorted(os.listdir(blessing.uri)) == [
        "INFRA_BLESSED",
        "infra_validation.json",
        "stamped_model",
    ]
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_int_custom_property("has_model") == 1
    assert blessing.get_string_custom_property("current_model") == model.uri
    report = json.loads((Path(blessing.uri) / "infra_validation.json").read_text())
    assert (report["server"], report["num_examples"]) == ("embedded", 12)
    assert set(report["max_abs_difference"]) == {"click", "conversion", "ctcvr"}
    # Both sides run the same kernels on the same machine.
    assert max(report["max_abs_difference"].values()) <= 1e-6
    for side in ("in_process", "served"):
        latency = report["latency_of_one_example"][side]
        assert latency["calls"] == 12
        assert 0.0 < latency["p50_ms"] <= latency["p99_ms"]


@pytest.mark.slow
def test_infra_validator_stamps_the_model_with_warmup_requests(
    tmp_path: Path, examples: Artifact
) -> None:
    model = _model(tmp_path)
    stamped = Path(path_utils.stamped_model_path(_validate(model, examples).uri))
    original = Path(model.uri) / "Format-Serving"
    for path in original.rglob("*"):
        if path.is_file():
            assert (stamped / path.relative_to(original)).read_bytes() == path.read_bytes()
    records = tf.data.TFRecordDataset(path_utils.warmup_file_path(str(stamped)))
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in records.as_numpy_iterator()
    ]
    rows = (tiny_models.examples() * 5)[:12]
    sent = [tf.make_ndarray(log.predict_log.request.inputs["examples"]) for log in logs]
    assert [list(values) for values in sent] == [rows, rows[:1]]
    assert tf.saved_model.load(str(stamped)).signatures["serving_default"] is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "reason"),
    [
        (np.nan, "click must be finite; got nan in 24 of 24 answers in-process; "),
        (1.5, "click must be within [0, 1]; got 1.28722 in "),
    ],
)
def test_infra_validator_does_not_bless_scores_that_are_no_probabilities(
    tmp_path: Path, examples: Artifact, scale: float, reason: str
) -> None:
    blessing = _validate(_model(tmp_path, scale), examples)
    assert _not_blessed_for(blessing).startswith(reason)


def test_infra_validator_does_not_bless_a_broken_model(tmp_path: Path, examples: Artifact) -> None:
    model = _model(tmp_path)
    (tmp_path / "model" / "Format-Serving" / "variables" / "variables.index").unlink()
    assert "model must load in process; got " in _not_blessed_for(_validate(model, examples))


def test_infra_validator_does_not_bless_a_model_without_the_signature(
    tmp_path: Path, examples: Artifact
) -> None:
    blessing = _validate(_model(tmp_path), examples, signature="absent")
    assert _not_blessed_for(blessing) == (
        "model must have the signature 'absent'; "
        "got matrix, parsed_examples, raw_tensors, serving_default, slow"
    )


def test_infra_validator_does_not_bless_a_signature_of_tensors(
    tmp_path: Path, examples: Artifact
) -> None:
    blessing = _validate(_model(tmp_path), examples, signature="slow")
    assert _not_blessed_for(blessing) == (
        "signature 'slow' must take serialized tf.Examples alone; got (rounds: int32)"
    )


def test_infra_validator_does_not_bless_a_model_that_fails_on_examples(
    tmp_path: Path, examples: Artifact
) -> None:
    with tf.io.TFRecordWriter(str(Path(examples.uri) / "Split-eval" / "data")) as writer:
        writer.write(b"\xff is no tf.Example")
    reason = _not_blessed_for(_validate(_model(tmp_path), examples))
    assert reason.startswith("model must answer in process; got INVALID_ARGUMENT: ")


def _binary(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    binary = tmp_path / "bin" / "tensorflow_model_server"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}:{os.environ['PATH']}")


def test_infra_validator_server_that_cannot_start_is_a_fault_and_no_verdict(
    tmp_path: Path, examples: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    _binary(tmp_path, "echo 'no such device' >&2; exit 1", monkeypatch)
    with pytest.raises(EnvironmentFault, match=r"ended with code 1 .*\n.*no such device"):
        _validate(_model(tmp_path), examples)
    assert not (tmp_path / "blessing").exists()


def test_infra_validator_server_that_never_answers_is_a_fault_and_no_verdict(
    tmp_path: Path, examples: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    _binary(tmp_path, "echo waiting >&2; exec sleep 60", monkeypatch)
    with pytest.raises(EnvironmentFault, match=r"AVAILABLE within 1\.0 s; its log ends:\nwaiting"):
        _validate(_model(tmp_path), examples, timeout_s=1.0)
    assert not (tmp_path / "blessing").exists()


def test_infra_validator_missing_binary_is_a_fault_and_no_verdict(
    tmp_path: Path, examples: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="tensorflow_model_server must be on PATH"):
        _validate(_model(tmp_path), examples, server="tensorflow_model_server")
    assert not (tmp_path / "blessing").exists()


def test_infra_validator_model_that_is_gone_is_a_fault_and_no_verdict(
    tmp_path: Path, examples: Artifact
) -> None:
    model = _model(tmp_path)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(EnvironmentFault, match="Format-Serving"):
        _validate(model, examples)
    assert not (tmp_path / "blessing").exists()


def test_infra_validator_leaves_no_copy_of_the_model_behind(
    tmp_path: Path, examples: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    _validate(_model(tmp_path), examples, signature="absent")
    assert os.listdir(tmp_path / "tmp") == []


def test_infra_validator_node_passes_its_options_as_text() -> None:
    options = InfraValidationSpec(num_examples=3, server="embedded")
    node = InfraValidator(
        model=Channel(type=standard_artifacts.Model),
        examples=Channel(type=standard_artifacts.Examples),
        options=options,
    )
    text = node.exec_properties["options"]
    assert isinstance(text, str)
    assert InfraValidationSpec.model_validate_json(text) == options
    assert node.outputs["blessing"].type is standard_artifacts.InfraBlessing
