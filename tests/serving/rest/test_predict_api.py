"""`:predict` over HTTP, asked with the standard library only."""

import json

import pytest

from tests.serving.rest.http_client import MODEL, Api


def test_row_format_answers_a_list_of_predictions(api: Api) -> None:
    reply = api.post(f"{MODEL}:predict", {"instances": [1.0, 2.0, 5.0]})
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    # The documented answer of half_plus_two, to the last space.
    assert reply.body == b'{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'


def test_column_format_answers_outputs(api: Api) -> None:
    reply = api.post(f"{MODEL}:predict", {"inputs": [1.0, 2.0]})
    assert reply.body == b'{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}'


def test_rows_of_named_inputs_answer_rows_of_named_outputs(api: Api) -> None:
    rows = [{"pair": [1.0, 2.0], "number": 4}, {"number": -1, "pair": [0.5, 0]}]
    assert api.predict("named", instances=rows).json == {
        "predictions": [
            {"same": [1.0, 2.0], "sum": 3.0, "twice": 8},
            {"same": [0.5, 0.0], "sum": 0.5, "twice": -2},
        ]
    }


def test_columns_of_named_inputs_answer_columns(api: Api) -> None:
    columns = {"pair": [[1.0, 2.0], [0.5, 0]], "number": [4, -1]}
    assert api.predict("named", inputs=columns).json == {
        "outputs": {"same": [[1.0, 2.0], [0.5, 0.0]], "sum": [3.0, 0.5], "twice": [8, -2]}
    }


def test_single_input_may_be_named(api: Api) -> None:
    assert api.predict("", instances=[{"x": 1.0}]).json == {"predictions": [2.5]}
    assert api.predict("", inputs={"x": [1.0]}).json == {"outputs": [2.5]}


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1", f"{MODEL}/labels/stable"])
def test_version_may_be_named_by_number_or_label(api: Api, path: str) -> None:
    assert api.post(f"{path}:predict", {"instances": [0]}).json == {"predictions": [2.0]}


def test_binary_values_go_in_and_out_as_base64(api: Api) -> None:
    reply = api.predict("strings", instances=[{"b64": "AP8="}, "\u00e9"])
    assert b'"b64": "AP8="' in reply.body
    # Bytes that are no text leave through the other output as they are, as in TensorFlow Serving.
    rows = json.loads(reply.body.decode("utf-8", "surrogateescape"))["predictions"]
    assert [row["text_bytes"] for row in rows] == [{"b64": "AP8="}, {"b64": "w6k="}]
    assert rows[0]["text"].encode("utf-8", "surrogateescape") == b"\x00\xff"
    assert rows[1]["text"] == "\u00e9"


def test_every_scalar_type_comes_back_as_it_went(api: Api) -> None:
    row = {
        "float": 0.1,
        "double": 0.1,
        "int8": -128,
        "uint8": 255,
        "int16": -32768,
        "int32": -(2**31),
        "int64": -(2**63),
        "uint32": 2**32 - 1,
        "uint64": 2**64 - 1,
        "bool": True,
        "string": 'a"\\\n\u20ac\U0001f600',
    }
    (back,) = api.predict("types", instances=[row]).json["predictions"]
    assert back == {f"{name}_out": value for name, value in row.items()}


def test_values_that_are_not_finite_go_in_and_out(api: Api) -> None:
    body = b'{"signature_name": "inverse", "instances": [0.0, NaN, Infinity, -Infinity, 2.0]}'
    assert b"[NaN, NaN, NaN, NaN, 0.5" in api.post(f"{MODEL}:predict", body).body
    same = api.post(f"{MODEL}:predict", b'{"instances": [Infinity, -Infinity, NaN]}')
    assert b"[Infinity, -Infinity, NaN" in same.body


def test_scalar_goes_by_columns_only(api: Api) -> None:
    assert api.predict("scalar", inputs=1.5).body == b'{\n    "outputs": 3.0\n}'
    reply = api.predict("scalar", instances=[1.5])
    assert reply.status == 400
    assert "to have shape ()" in reply.error


@pytest.mark.parametrize(
    ("signature", "document", "status", "message"),
    [
        ("uneven", {"instances": [1, 2]}, 400, "Tensor name: one has inconsistent batch size: 1"),
        ("half", {"instances": [1]}, 400, "Failed to write JSON value for tensor type: half"),
        ("takes_half", {"inputs": [1]}, 501, "Conversion of JSON Value: 1 to type: half"),
        ("nothing", {"inputs": []}, 400, "Failed to get input map for signature: nothing"),
        ("no", {"instances": [1]}, 400, 'Serving signature name: "no" not found in signature def'),
        ("", {"instances": ["1"]}, 400, "Failed to process element: 0 of 'instances' list."),
        ("", {}, 400, "Missing 'inputs' or 'instances' key"),
        ("named", {"instances": [1]}, 400, "instances is a plain list, but expecting list of obj"),
    ],
)
def test_what_cannot_be_predicted_is_refused(
    api: Api, signature: str, document: dict[str, object], status: int, message: str
) -> None:
    reply = api.predict(signature, **document)
    assert (reply.status, reply.error[: len(message)]) == (status, message)


def test_uneven_outputs_are_answered_by_columns(api: Api) -> None:
    reply = api.predict("uneven", inputs=[1, 2])
    assert reply.json == {"outputs": {"all": [1.0, 2.0], "one": [1.0]}}


def test_long_documents_are_answered_like_short_ones(api: Api) -> None:
    values = [index / 8 for index in range(200_000)]  # over a megabyte: the polite parser
    reply = api.post(f"{MODEL}:predict", {"instances": values})
    assert reply.json["predictions"] == [value / 2 + 2 for value in values]
