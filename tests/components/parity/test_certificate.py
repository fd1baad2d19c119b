"""The certificate: written, read back, readable."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts

from rankbeam.components.parity.certificate import (
    Certificate,
    path_report,
    read_certificate,
    readable,
    write_certificate,
)
from rankbeam.components.parity.check import unserved_columns
from rankbeam.components.parity.generate import Generated
from rankbeam.components.parity.logic import PathAnswers, compare


def _example() -> bytes:
    example = tf.train.Example()
    example.features.feature["device"].bytes_list.value.extend([b"caf\xc3\xa9", b"\xff"])
    example.features.feature["age"].float_list.value.extend([float("nan"), 1.5])
    example.features.feature["partner"].int64_list.value.append(-(2**63))
    example.features.feature["none"].Clear()
    example.features.feature["long"].bytes_list.value.append(b"x" * 1000)
    return bytes(example.SerializeToString())


def test_certificate_examples_are_readable() -> None:
    assert readable(_example()) == {
        "age": ("nan", "1.5"),
        "device": ("café", "\\xff"),
        "long": ("x" * 200 + "... (800 more characters)",),
        "none": (),
        "partner": ("-9223372036854775808",),
    }


def _certificate(passed: bool) -> Certificate:
    every = np.ones(2, dtype=bool)
    expected, found = (np.array(values, np.float32) for values in ([0.5, 0.5], [0.5, np.nan]))
    answers = PathAnswers(
        "a path", "another", {"click": expected}, {"click": found}, every, every, exact=False
    )
    requests = [Generated("real", "", b""), Generated("unicode", "device", _example())]
    return Certificate(
        passed=passed,
        reason="" if passed else "why",
        model_digest="sha256:0",
        transform_hash="1",
        server="embedded",
        seed=3,
        max_abs_difference=1e-5,
        examples=2,
        kinds={"real": 1, "unicode": 1},
        paths=(path_report(compare(answers, 1e-5), requests),),
    )


@pytest.mark.parametrize("passed", [True, False])
def test_certificate_is_read_back_as_written(tmp_path: Path, passed: bool) -> None:
    artifact = standard_artifacts.InfraBlessing()
    artifact.uri = str(tmp_path / "certificate")
    certificate = _certificate(passed)
    write_certificate(artifact, certificate, "/model")
    assert read_certificate(artifact.uri) == certificate
    names = sorted(path.name for path in Path(artifact.uri).iterdir())
    assert names == ["PARITY_PASSED" if passed else "PARITY_FAILED", "parity_certificate.json"]
    assert artifact.get_int_custom_property("blessed") == int(passed)
    assert artifact.get_string_custom_property("reason") == ("" if passed else "why")
    assert artifact.get_string_custom_property("current_model") == "/model"
    assert artifact.get_string_custom_property("model_digest") == "sha256:0"


def test_certificate_is_plain_json_with_the_worst_example(tmp_path: Path) -> None:
    artifact = standard_artifacts.InfraBlessing()
    artifact.uri = str(tmp_path)
    write_certificate(artifact, _certificate(passed=False), "/model")

    def refuse(constant: str) -> None:
        raise AssertionError(f"JSON has no {constant}")

    text = (tmp_path / "parity_certificate.json").read_text(encoding="utf-8")
    [path] = json.loads(text, parse_constant=refuse)["paths"]
    assert path["max_abs_difference"] == {"click": "inf"}
    assert path["unequal"] == 1
    worst = path["worst"]
    assert (worst["kind"], worst["column"], worst["output"]) == ("unicode", "device", "click")
    assert (worst["expected"], worst["found"]) == ("0.5", "nan")
    assert worst["example"]["device"] == ["café", "\\xff"]
    assert read_certificate(artifact.uri).paths[0].largest == float("inf")


def test_certificate_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"must hold parity_certificate\.json; got "):
        read_certificate(str(tmp_path))


def test_unserved_columns_are_those_outside_serving() -> None:
    schema = schema_pb2.Schema(default_environment=["TRAINING", "SERVING"])
    schema.feature.add(name="click").not_in_environment.append("SERVING")
    schema.feature.add(name="weight").in_environment.append("TRAINING")
    schema.feature.add(name="age")
    schema.feature.add(name="device").in_environment.append("SERVING")
    assert unserved_columns(schema) == ("click", "weight")
