"""Status, metadata, classify, regress, metrics and paths over HTTP."""

import json
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.rest.http_client import MODEL, NAME, Api

AVAILABLE = {
    "model_version_status": [
        {
            "version": "1",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
    ]
}


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1", f"{MODEL}/labels/stable"])
def test_status_lists_versions(api: Api, path: str) -> None:
    reply = api.get(path)
    assert (reply.status, reply.json) == (200, AVAILABLE)
    assert reply.body.startswith(b'{\n "model_version_status": [\n  {\n   "version": "1",\n')


def test_metadata_describes_signatures_as_tensorflow_serving_does(api: Api) -> None:
    found = api.get(f"{MODEL}/metadata").json
    assert found["model_spec"] == {"name": NAME, "signature_name": "", "version": "1"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    default = signatures["serving_default"]
    assert default["method_name"] == "tensorflow/serving/predict"
    assert default["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert default["inputs"]["x"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"


def test_classify_answers_labels_and_scores(api: Api) -> None:
    document = {"signature_name": "classify", "examples": [{"x": 0.25}, {"x": [1.0]}, {}]}
    reply = api.post(f"{MODEL}:classify", document)
    assert reply.json == {
        "results": [
            [["no", 0.75], ["yes", 0.25]],
            [["no", 0.0], ["yes", 1.0]],
            [["no", 1.0], ["yes", 0.0]],
        ]
    }


def test_regress_answers_values_and_takes_a_context(api: Api) -> None:
    document = {"signature_name": "regress", "context": {"x": 0.5}, "examples": [{}, {}]}
    reply = api.post(f"{MODEL}/versions/1:regress", document)
    assert reply.body == b'{\n    "results": [5.0, 5.0]\n}'


@pytest.mark.parametrize(
    ("what", "document", "message"),
    [
        ("classify", {"examples": [{"x": 0.5}]}, "Expected classification signature method_name"),
        ("regress", {"signature_name": "classify", "examples": [{}]}, "Expected regression sig"),
        ("classify", {"signature_name": "classify", "examples": []}, "JSON Value: "),
        ("classify", {"signature_name": "classify"}, "JSON Value: "),
        ("classify", {"signature_name": 3, "examples": [{}]}, "JSON Value: "),
        (
            "regress",
            {"signature_name": "regress", "examples": [{"x": 1}]},
            "Data types don't match",
        ),
    ],
)
def test_examples_that_do_not_fit_are_refused(
    api: Api, what: str, document: dict[str, object], message: str
) -> None:
    reply = api.post(f"{MODEL}:{what}", document)
    assert reply.status == 400
    assert message in reply.error


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/models/no", 404, "Could not find any versions of model no"),
        ("GET", f"{MODEL}/versions/9", 404, f"Could not find version 9 of model {NAME}"),
        ("GET", "/v1/models/no/metadata", 404, "Servable not found for request: Latest(no)"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/", 400, "Malformed request: GET /v1/models/"),
        ("GET", f"{MODEL}:predict", 400, f"Malformed request: GET {MODEL}:predict"),
        ("POST", MODEL, 400, f"Malformed request: POST {MODEL}"),
        ("POST", f"{MODEL}:rank", 400, f"Malformed request: POST {MODEL}:rank"),
        ("PUT", f"{MODEL}:predict", 400, f"Malformed request: PUT {MODEL}:predict"),
        ("DELETE", MODEL, 400, f"Malformed request: DELETE {MODEL}"),
        ("GET", f"{MODEL}/versions/x", 400, f"Malformed request: GET {MODEL}/versions/x"),
        ("GET", f"{MODEL}/versions/{2**63}", 400, f"Failed to convert version: {2**63} to numeric"),
        ("GET", f"{MODEL}/versions/{'9' * 5000}", 400, "Failed to convert version: 999"),
        ("GET", "/v1/models/%ff", 400, "Failed to decode model name:%ff"),
        ("GET", "/", 404, "Not found: GET /"),
        ("GET", "/v2/models", 404, "Not found: GET /v2/models"),
        ("POST", "/metrics", 404, "Not found: POST /metrics"),
        ("OPTIONS", MODEL, 400, "Origin header is missing in CORS preflight"),
    ],
)
def test_paths_that_are_not_served_are_refused(
    api: Api, method: str, path: str, status: int, message: str
) -> None:
    reply = api.call(method, path)
    assert (reply.status, reply.error[: len(message)]) == (status, message)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/no:predict", 404, "Servable not found for request: Latest(no)"),
        (
            f"{MODEL}/versions/9:predict",
            404,
            f"Servable not found for request: Specific({NAME}, 9)",
        ),
        (f"{MODEL}/labels/no:predict", 400, "Unrecognized servable version label: no"),
    ],
)
def test_models_that_are_not_there_are_refused(
    api: Api, path: str, status: int, message: str
) -> None:
    reply = api.post(path, {"instances": [1]})
    assert (reply.status, reply.error) == (status, message)


def test_paths_ignore_case_and_percent_signs_but_names_do_not(api: Api) -> None:
    assert api.get(f"/V1/Models/{NAME}/Versions/1").status == 200
    assert api.get("/v1/models/" + "".join(f"%{ord(letter):02x}" for letter in NAME)).status == 200
    assert api.get(f"/v1/models/{NAME.upper()}").status == 404
    assert api.get(f"/v1/models/{quote('a/b', safe='')}").error.endswith("model a/b")


def test_head_answers_headers_without_a_body(api: Api) -> None:
    reply = api.call("HEAD", MODEL)
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["Content-Length"]) == len(api.get(MODEL).body)


def test_preflight_of_a_web_page_is_answered_with_the_headers_if_cors_is_on(api: Api) -> None:
    reply = api.call("OPTIONS", f"{MODEL}:predict", Origin="https://example.org")
    assert (reply.status, reply.body) == (200, b"")
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_request_id_comes_back_and_is_made_where_there_is_none(api: Api) -> None:
    assert api.get(MODEL, x_request_id="abc-1").headers["x-request-id"] == "abc-1"
    made = {api.get(MODEL).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert api.get(MODEL, x_request_id="a" * 500).headers["x-request-id"] != "a" * 500


def _requests(api: Api) -> dict[tuple[str, ...], float]:
    page = api.get("/monitoring/prometheus/metrics").body.decode()
    names = ("model", "version", "signature", "method", "code")
    return {
        tuple(row.labels[name] for name in names): row.value
        for family in text_string_to_metric_families(page)
        for row in family.samples
        if row.name == "rankbeam_serving_requests_total" and row.labels["api"] == "REST"
    }


def test_metrics_count_every_request_once_and_no_name_that_a_client_made_up(api: Api) -> None:
    before = _requests(api)
    api.predict("", instances=[1, 2])
    api.predict("made_up", instances=[1])
    api.post(f"{MODEL}:predict", b"no JSON")
    api.post("/v1/models/made_up:predict", {"instances": [1]})
    api.get("/v1/made_up")
    after = _requests(api)
    added = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key)}
    assert added == {
        (NAME, "1", "serving_default", "predict", "OK"): 1,
        (NAME, "", "", "predict", "INVALID_ARGUMENT"): 2,
        ("", "", "", "predict", "NOT_FOUND"): 1,
        ("", "", "", "", "INVALID_ARGUMENT"): 1,
    }
    page = api.get("/monitoring/prometheus/metrics")
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"made_up" not in page.body
    assert b':tensorflow:serving:request_latency_count{API="predict",entrypoint="REST"' in page.body


def test_errors_are_json_with_one_key(api: Api) -> None:
    body = api.post(f"{MODEL}:predict", b'{"instances": ["\xc3\xa9\\n\\""]}').body
    assert body.startswith(b'{\n    "error": "')
    assert list(json.loads(body)) == ["error"]
