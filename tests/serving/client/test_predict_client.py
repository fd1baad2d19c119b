"""The client against a real server in this process."""

import socket

import grpc
import numpy as np
import pytest

from rankbeam.serving.client import PredictClient, RetryPolicy, SignatureInfo, TensorInfo
from rankbeam.serving.errors import RequestRejected
from rankbeam.serving.server import ModelServer
from rankbeam.transform.errors import EnvironmentFault
from tests.serving import tiny_models
from tests.serving.client import scripted_server
from tests.serving.client.scripted_server import ScriptedServer, failing
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


UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(("attempts", "faults"), [(1, 0), (2, 1), (4, 3)])
def test_client_tries_again_as_often_as_its_policy_says(attempts: int, faults: int) -> None:
    retry = RetryPolicy(max_attempts=attempts, initial_backoff_s=0.001)
    with ScriptedServer(predict=failing([UNAVAILABLE] * faults)) as server:
        with PredictClient(server.target, scripted_server.NAME, retry=retry) as client:
            assert client.predict_examples([b""])["click"] == [0.0]
        assert server.methods() == ["Predict"] * attempts
    with ScriptedServer(predict=failing([UNAVAILABLE] * (faults + 1))) as server:
        with (
            PredictClient(server.target, scripted_server.NAME, retry=retry) as client,
            pytest.raises(EnvironmentFault, match="got UNAVAILABLE: as the script says"),
        ):
            client.predict_examples([b""])
        assert server.methods() == ["Predict"] * attempts


def test_client_never_repeats_what_was_rejected() -> None:
    with ScriptedServer(predict=failing([grpc.StatusCode.INVALID_ARGUMENT])) as server:
        with (
            PredictClient(server.target, scripted_server.NAME, retry=RetryPolicy()) as client,
            pytest.raises(RequestRejected, match="INVALID_ARGUMENT: as the script says"),
        ):
            client.predict_examples([b""])
        assert server.methods() == ["Predict"]


def test_client_sends_a_request_of_the_stock_stubs(client: PredictClient) -> None:
    request = tiny_models.predict_request(tiny_models.examples())
    request.model_spec.name = NAME
    expected = client.predict_examples(tiny_models.examples())
    for name, values in client.predict(request).items():
        np.testing.assert_array_equal(values, expected[name])
