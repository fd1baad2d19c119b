"""Classify and Regress signatures, loaded as TensorFlow Serving loads them: by a session."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.conftest import TYPES, Trained
from tests.transform.running import serialized

OUTPUTS = ("click", "conversion", "ctcvr")
FEATURES = ("device", "visitor id", "partner", "interests", "age", "hour")
PLACEHOLDER = "serving_default_examples:0"


@dataclass(frozen=True)
class Loaded:
    """A session on the serving graph and its SignatureDefs."""

    session: Any
    signatures: Any


@pytest.fixture(scope="module")
def loaded(trained: Trained) -> Iterator[Loaded]:
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta_graph = tf.compat.v1.saved_model.loader.load(
            session, ["serve"], trained.arguments.serving_model_dir
        )
        yield Loaded(session, meta_graph.signature_def)


@pytest.fixture(scope="module")
def requests(trained: Trained) -> list[bytes]:
    rows = trained.rows[:20]
    return [serialized({name: row[name] for name in FEATURES}, TYPES) for row in rows]


def test_task_signatures_are_listed_for_each_output(loaded: Loaded) -> None:
    added = {f"{kind}_{output}" for kind in ("classify", "regress") for output in OUTPUTS}
    traced = {"serving_default", "raw_tensors", "transform_features", "__saved_model_init_op"}
    assert set(loaded.signatures) == added | traced


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(("kind", "key"), [("classify", "scores"), ("regress", "outputs")])
def test_task_signatures_answer_one_output_of_serving_default(
    loaded: Loaded, requests: list[bytes], output: str, kind: str, key: str
) -> None:
    served = loaded.signatures["serving_default"]
    signature = loaded.signatures[f"{kind}_{output}"]
    assert signature.method_name == f"tensorflow/serving/{kind}"
    assert {name: info.name for name, info in signature.inputs.items()} == {"inputs": PLACEHOLDER}
    assert list(signature.outputs) == [key]
    info = signature.outputs[key]
    assert [dim.size for dim in info.tensor_shape.dim] == [-1, 1]
    found, expected = (
        loaded.session.run(name, {PLACEHOLDER: requests})
        for name in (info.name, served.outputs[output].name)
    )
    assert found.shape == (20, 1)
    np.testing.assert_array_equal(found, expected)


def test_task_signatures_are_answered_by_one_run_of_the_graph(
    loaded: Loaded, requests: list[bytes]
) -> None:
    """As MultiInference asks: all tensors at once, from one placeholder."""
    names = [
        next(iter(loaded.signatures[f"{kind}_{output}"].outputs.values())).name
        for kind in ("classify", "regress")
        for output in OUTPUTS
    ]
    click, conversion, ctcvr, *again = loaded.session.run(names, {PLACEHOLDER: requests})
    np.testing.assert_array_equal(again, [click, conversion, ctcvr])
    np.testing.assert_allclose(click * conversion, ctcvr, rtol=1e-6)  # float32, by logarithms
    assert np.ptp(click) > 0
