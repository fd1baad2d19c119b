"""The client against a real server in this process."""

import socket

import numpy as np
import pytest

from rankbeam.serving.client import PredictClient, SignatureInfo, TensorInfo
from rankbeam.serving.errors import RequestRejected
from rankbeam.serving.server import ModelServer
from rankbeam.transform.errors import EnvironmentFault
from tests.serving import tiny_models
from tests.serving.waiting import NAME


def test_client_predict_examples_returns_arrays_and_the_version(client: PredictClient) -> None:
    prediction = client.predict_examples(tiny_models.examples())
    assert (prediction.model_name, prediction.model_version) == (NAME, 1)
    assert prediction.signature_name == "serving_default"
    expected = tiny_models.oracle()
    assert set(prediction) == set(expected)
    assert len(prediction) == 3
    for name, values in expected.items():
        np.testing.assert_allclose(prediction[name], values, rtol=0, atol=2e-7)


def test_client_predict_tensors_equals_predict_examples(client: PredictClient) -> None:
    by_tensor = client.predict_tensors(
        {
            "user": [["ada"], ["nobody"], ["grace"], [""]],
            "age": np.array([[3], [-7], [0], [0]]),
            "price": np.array([[0.5], [-0.25], [0], [0]], np.float32),
            "tags": np.empty([4, 0], object),
        }
    )
    by_example = client.predict_examples(tiny_models.examples())
    for name, values in by_example.items():
        np.testing.assert_array_equal(by_tensor[name], values)


def test_client_metadata_lists_callable_signatures(client: PredictClient) -> None:
    found = client.metadata()
    assert set(found) > {"serving_default", "raw_tensors", "parsed_examples", "slow"}
    assert "__saved_model_init_op" not in found
    assert found["serving_default"] == SignatureInfo(
        inputs={"examples": TensorInfo("string", (None,))},
        outputs={name: TensorInfo("float32", (None,)) for name in ("click", "conversion", "ctcvr")},
    )


def test_client_status_names_states(client: PredictClient) -> None:
    (row,) = client.status()
    assert (row.version, row.state, row.error_code, row.error_message) == (1, "AVAILABLE", 0, "")


def test_client_asks_for_a_version(server: ModelServer) -> None:
    target = f"127.0.0.1:{server.port}"
    with PredictClient(target, NAME, version=1) as client:
        assert client.predict_examples([b""]).model_version == 1
    with (
        PredictClient(target, NAME, version=2) as client,
        pytest.raises(RequestRejected, match=r"NOT_FOUND: .*Specific\(tiny, 2\)") as raised,
    ):
        client.predict_examples([b""])
    assert raised.value.code == "NOT_FOUND"


def test_client_rejection_carries_the_servers_words(client: PredictClient) -> None:
    with pytest.raises(RequestRejected, match=r"server 127\.0\.0\.1:\d+ rejected the request"):
        client.predict_tensors({"examples": np.ones([1], np.float32)}, "serving_default")


def test_client_without_server_is_a_fault_of_the_machine() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{closed.getsockname()[1]}"
    with (
        PredictClient(target, NAME, timeout_s=2.0) as client,
        pytest.raises(EnvironmentFault, match=f"server {target} must answer within 2.0 s; got"),
    ):
        client.status()


def test_client_deadline_is_kept(server: ModelServer) -> None:
    with (
        PredictClient(f"127.0.0.1:{server.port}", NAME, timeout_s=0.05) as client,
        pytest.raises(EnvironmentFault, match="got DEADLINE_EXCEEDED"),
    ):
        client.predict_tensors({"rounds": np.int32(1000)}, "slow")
