"""JSON in, scores out, over a real server in this process."""

import json
from dataclasses import replace

import pytest

from rankbeam.serving.client import SignatureInfo, TensorInfo, feature_types
from rankbeam.serving.errors import RequestRejected
from rankbeam.serving.examples import FeatureType
from rankbeam.serving.predict import PredictOptions, predict
from rankbeam.serving.server import ModelServer
from rankbeam.transform.errors import ConfigError, DataError
from tests.serving import tiny_models
from tests.serving.waiting import NAME


@pytest.fixture
def options(server: ModelServer) -> PredictOptions:
    return PredictOptions(request="{}", model_name=NAME, target=f"127.0.0.1:{server.port}")


def test_predict_scores_every_object_in_order(options: PredictOptions) -> None:
    rows = predict(replace(options, request=json.dumps(tiny_models.ROWS)))
    expected = tiny_models.oracle()
    assert [row["model_version"] for row in rows] == [1] * len(tiny_models.ROWS)
    for index, row in enumerate(rows):
        assert row["scores"] == {
            name: pytest.approx(values[index], abs=2e-7) for name, values in expected.items()
        }


def test_predict_rows_are_json(options: PredictOptions) -> None:
    (row,) = predict(replace(options, request='{"tags": ["a", "b"], "user": null}'))
    assert json.loads(json.dumps(row)) == row


def test_predict_takes_types_from_the_server(options: PredictOptions) -> None:
    with pytest.raises(DataError, match=r'request\[0\]\.age must be an integer.*; got "3"'):
        predict(replace(options, request='{"age": "3"}'))
    with pytest.raises(DataError, match=r"got 'agee'; did you mean 'age'\?"):
        predict(replace(options, request='{"agee": 3}'))


def test_predict_of_an_unknown_model_is_rejected(options: PredictOptions) -> None:
    with pytest.raises(RequestRejected, match=r"NOT_FOUND: Servable not found.*Latest\(x\)"):
        predict(replace(options, model_name="x"))


def test_predict_types_follow_dtypes() -> None:
    dtypes = {"a": "string", "b": "int64", "c": "float32", "d": "int32", "e": "float64"}
    specs = {name: TensorInfo(dtype, (None, 1)) for name, dtype in dtypes.items()}
    assert feature_types({"raw_tensors": SignatureInfo(specs, {})}) == {
        "a": FeatureType.BYTES,
        "b": FeatureType.INT,
        "c": FeatureType.FLOAT,
        "d": FeatureType.INT,
        "e": FeatureType.FLOAT,
    }


def test_predict_needs_the_signature_that_names_features() -> None:
    with pytest.raises(ConfigError, match=r"must have the signature 'raw_tensors'.*; got other"):
        feature_types({"other": SignatureInfo({}, {})})
