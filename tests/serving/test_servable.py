"""One loaded version: what it answers, and each way to ask wrongly."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.serving import tensors
from rankbeam.serving.content import RECORD_PATH, PushRecord, content_digest
from rankbeam.serving.exported import EXPORTED_PATH
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models

# float32 sigmoid in TensorFlow and in NumPy may differ in the last bits of values below 1.
TOLERANCE = 2e-7


@pytest.fixture(scope="module")
def servable(saved_model: Path) -> Servable:
    return load_servable("tiny", 1, saved_model)


def test_servable_scores_equal_the_oracle(servable: Servable) -> None:
    sent = {"examples": tensors.encode(tiny_models.examples())}
    answer = servable.signature("").run(sent)
    expected = tiny_models.oracle()
    assert set(answer) == set(expected)
    for name, proto in answer.items():
        np.testing.assert_allclose(
            tensors.decode_array(proto), expected[name], rtol=0, atol=TOLERANCE
        )


def test_servable_both_signatures_agree_to_the_bit(servable: Servable) -> None:
    by_example = servable.signature("serving_default").run(
        {"examples": tensors.encode(tiny_models.examples())}
    )
    by_tensor = servable.signature("raw_tensors").run(
        {
            "user": tensors.encode([["ada"], ["nobody"], ["grace"], [""]]),
            "age": tensors.encode(np.array([[3], [-7], [0], [0]], np.int64)),
            "price": tensors.encode(np.array([[0.5], [-0.25], [0], [0]], np.float32)),
            "tags": tensors.encode(np.empty([4, 0], object)),
        }
    )
    assert by_example == by_tensor


def test_servable_output_filter_selects(servable: Servable) -> None:
    sent = {"examples": tensors.encode(tiny_models.examples())}
    assert set(servable.signature("").run(sent, ["ctcvr"])) == {"ctcvr"}


def test_servable_empty_batch_has_empty_answers(servable: Servable) -> None:
    answer = servable.signature("").run({"examples": tensors.encode(np.empty([0], object))})
    assert {name: tensors.decode_array(proto).shape for name, proto in answer.items()} == {
        "click": (0,),
        "conversion": (0,),
        "ctcvr": (0,),
    }


TEXTS = tensors.encode(["a"])
BAD_CALLS = [
    ("nope", {}, [], 'FAILED_PRECONDITION: Serving signature key "nope" not found.'),
    (
        "",
        {},
        [],
        "INVALID_ARGUMENT: input size does not match signature: 0!=1 len({}) != len({examples}). "
        "Sent extra: {}. Missing but required: {examples}.",
    ),
    (
        "",
        {"examples": TEXTS, "x": TEXTS},
        [],
        "INVALID_ARGUMENT: input size does not match signature: 2!=1 "
        "len({examples,x}) != len({examples}). Sent extra: {x}. Missing but required: {}.",
    ),
    (
        "",
        {"x": TEXTS},
        [],
        "INVALID_ARGUMENT: input tensor alias not found in signature: x. "
        "Inputs expected to be in the set {examples}.",
    ),
    (
        "",
        {"examples": tensors.encode([1.0])},
        [],
        "INVALID_ARGUMENT: Expects arg[0] to be string but double is provided",
    ),
    (
        "",
        {"examples": tensors.encode([["a"]])},
        [],
        "INVALID_ARGUMENT: Expects input 'examples' to have shape (None,) but (1, 1) is provided",
    ),
    (
        "",
        {"examples": tensors.encode([""])},
        ["z"],
        "INVALID_ARGUMENT: output tensor alias not found in signature: z "
        "Outputs expected to be in the set {click,conversion,ctcvr}.",
    ),
    (
        "",
        {"examples": tensors.encode([""])},
        ["click", "click"],
        "INVALID_ARGUMENT: duplicate output tensor alias: click",
    ),
]


def _by_tensorflow(path: Path, signature: str, inputs: dict[str, Any]) -> str:
    """What a session says, asked below Python's own checks."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path))
        definition = loaded.signature_def[signature]

        def place(name: str) -> Any:
            return session.graph.get_tensor_by_name(name)._as_tf_output()

        feeds = {place(definition.inputs[alias].name): inputs[alias] for alias in inputs}
        fetches = [place(definition.outputs["click"].name)]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Expects arg") as raised:
            session._call_tf_sessionrun(None, feeds, fetches, [], None)
    return str(raised.value.message)


@pytest.mark.parametrize("alias", ["user", "age", "price", "tags"])
@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8", "bool", "complex64"])
def test_servable_calls_a_wrong_dtype_what_tensorflow_calls_it(
    servable: Servable, alias: str, dtype: str
) -> None:
    right: dict[str, Any] = {
        "user": np.array([["ada"]], object),
        "age": np.array([[3]]),
        "price": np.array([[0.5]], np.float32),
        "tags": np.array([["x"]], object),
    }
    inputs = {**right, alias: np.ones([1, 1], dtype)}
    sent = {name: tf.make_tensor_proto(value) for name, value in inputs.items()}
    with pytest.raises(Refusal, match="Expects arg") as raised:
        servable.signature("raw_tensors").feeds(sent)
    assert raised.value.message == _by_tensorflow(servable.path, "raw_tensors", inputs)


@pytest.mark.parametrize(("signature", "inputs", "outputs", "message"), BAD_CALLS)
def test_servable_refuses_wrong_calls(
    servable: Servable,
    signature: str,
    inputs: dict[str, tf.compat.v1.TensorInfo],
    outputs: list[str],
    message: str,
) -> None:
    with pytest.raises(Refusal) as raised:
        servable.signature(signature).run(inputs, outputs)
    assert str(raised.value) == message


def test_servable_reports_the_graphs_own_error(servable: Servable) -> None:
    with pytest.raises(Refusal, match=r"^INVALID_ARGUMENT: .*Could not parse example input"):
        servable.signature("").run({"examples": tensors.encode([b"\xff not an example"])})


def _damaged(saved_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved_model, tmp_path / "1"))


def test_servable_load_without_saved_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"^NOT_FOUND: Could not find SavedModel"):
        load_servable("tiny", 1, tmp_path)


def test_servable_load_of_a_truncated_graph_is_data_loss(saved_model: Path, tmp_path: Path) -> None:
    path = _damaged(saved_model, tmp_path)
    graph = (path / "saved_model.pb").read_bytes()
    (path / "saved_model.pb").write_bytes(graph[: len(graph) // 2])
    with pytest.raises(Refusal, match=r"^DATA_LOSS: .*saved_model\.pb"):
        load_servable("tiny", 1, path)


@pytest.mark.parametrize(
    "missing", ["variables/variables.data-00000-of-00001", "variables/variables.index"]
)
def test_servable_load_without_variables_fails(
    saved_model: Path, tmp_path: Path, missing: str
) -> None:
    path = _damaged(saved_model, tmp_path)
    (path / missing).unlink()
    with pytest.raises(Refusal, match="variables"):
        load_servable("tiny", 1, path)


def test_servable_load_without_serving_graph_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(Refusal, match=r"^NOT_FOUND: .*supplied tags: serve"):
        load_servable("tiny", 1, tmp_path)


def test_servable_load_refuses_other_bytes_than_were_pushed(
    saved_model: Path, tmp_path: Path
) -> None:
    path = _damaged(saved_model, tmp_path)
    record = PushRecord("tiny", 1, content_digest(path), "", "blessed", "blessed")
    (path / RECORD_PATH).parent.mkdir(exist_ok=True)
    (path / RECORD_PATH).write_text(record.to_json())
    assert load_servable("tiny", 1, path).version == 1
    (path / "assets" / "users.txt").write_text("ada\n")  # TensorFlow would load this happily
    with pytest.raises(Refusal, match=r"^DATA_LOSS: .* of its push record; found sha256:"):
        load_servable("tiny", 1, path)


def test_servable_in_use_is_closed_by_its_last_user(saved_model: Path) -> None:
    servable = load_servable("tiny", 1, saved_model)
    sent = {"examples": tensors.encode(tiny_models.examples())}
    assert servable.acquire()
    servable.retire()
    assert not servable.acquire(), "a retired version is given to nobody"
    assert set(servable.signature("").run(sent)) == {"click", "conversion", "ctcvr"}
    held = servable.in_use
    servable.release()
    assert (held, servable.in_use) == (True, False)
    with pytest.raises(Refusal, match=r"Session has been closed|session"):
        servable.signature("").run(sent)


def test_servable_without_users_is_closed_at_once(saved_model: Path) -> None:
    servable = load_servable("tiny", 1, saved_model)
    servable.retire()
    servable.retire()  # twice is once
    with pytest.raises(Refusal, match=r"Session has been closed|session"):
        servable.signature("").run({"examples": tensors.encode(tiny_models.examples())})


def test_servable_merged_signatures_run_the_graph_once(servable: Servable) -> None:
    merged = servable.merged(("serving_default", "parsed_examples"))
    assert len(merged.inputs) == 1
    rows = np.array(tiny_models.examples(), dtype=object)
    found = merged.call(dict.fromkeys(merged.inputs, rows))
    name = servable.signature("").output_tensors["ctcvr"]
    np.testing.assert_allclose(found[name], tiny_models.oracle()["ctcvr"], rtol=0, atol=TOLERANCE)
    assert servable.merged(("serving_default", "parsed_examples")) is merged


def test_servable_knows_its_transform(saved_model: Path, tmp_path: Path) -> None:
    path = _damaged(saved_model, tmp_path)
    assert load_servable("tiny", 1, path).transform_hash == ""
    (path / EXPORTED_PATH).parent.mkdir(exist_ok=True)
    (path / EXPORTED_PATH).write_text('{"transform_digest": "abc"}')
    assert load_servable("tiny", 1, path).transform_hash == "abc"


def test_servable_signatures_that_are_part_of_another_share_its_call(servable: Servable) -> None:
    rows = {"inputs": np.array(tiny_models.examples(), dtype=object)}
    before = servable.signature("parsed_examples").call({})["count"]
    found = servable.signature("regress_ctcvr").call(rows)
    np.testing.assert_allclose(
        found["outputs"], tiny_models.oracle()["ctcvr"], rtol=0, atol=TOLERANCE
    )
    assert servable.signature("parsed_examples").call({})["count"] - before == len(rows["inputs"])
