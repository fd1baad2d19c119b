"""The exported model: each signature's answer; loadable with TensorFlow alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.trainer.metadata import ModelMetadata
from rankbeam.trainer.model import RankingModel, build_structure
from rankbeam.trainer.raw_inputs import MISSING_INT
from rankbeam.trainer.specs import TrainerOptions
from rankbeam.transform.layout import read_layout
from tests.trainer.conftest import OPTIONS, TYPES, Trained
from tests.transform.running import serialized

OUTPUTS = ["click", "conversion", "ctcvr"]
FEATURES = ["device", "visitor id", "partner", "interests", "age", "hour"]
MISSING = {tf.string: b"", tf.int64: MISSING_INT, tf.float32: float("nan")}


@pytest.fixture(scope="module")
def loaded(trained: Trained) -> Any:
    return tf.saved_model.load(trained.arguments.serving_model_dir)


def _examples(trained: Trained) -> tf.Tensor:
    """Serving requests: no labels, no column that is not a feature."""
    requests = [{name: row[name] for name in FEATURES} for row in trained.rows]
    return tf.constant([serialized(request, TYPES) for request in requests])


def _tensors(trained: Trained) -> dict[str, tf.Tensor]:
    """The same requests as dense columns."""
    columns = {}
    for name in FEATURES:
        width = 3 if name == "interests" else 1
        blank = MISSING[TYPES[name]]
        padded = [[*row[name], *[blank] * width][:width] for row in trained.rows]
        columns[name] = tf.constant(padded, TYPES[name])
    return columns


def test_export_signatures_are_named_and_shaped(loaded: Any) -> None:
    assert set(loaded.signatures) == {"serving_default", "raw_tensors", "transform_features"}
    for name in ("serving_default", "raw_tensors"):
        outputs = loaded.signatures[name].structured_outputs
        shapes = {output: spec.shape for output, spec in outputs.items()}
        assert sorted(shapes) == OUTPUTS
        assert all(shape.as_list() == [None, 1] for shape in shapes.values())


def test_export_answers_the_features_that_training_saw(loaded: Any, trained: Trained) -> None:
    found = loaded.signatures["transform_features"](examples=_examples(trained))
    labels = {"click", "conversion"}
    assert set(found) == set(trained.matrices) - labels
    for name, values in found.items():
        # Beam made `matrices` from whole rows; bytes tell 0.0 from -0.0 and one NaN from another.
        expected = np.stack(trained.matrices[name])
        assert values.dtype.as_numpy_dtype == expected.dtype
        assert values.numpy().tobytes() == expected.tobytes()


def test_export_signatures_agree(loaded: Any, trained: Trained) -> None:
    from_examples = loaded.signatures["serving_default"](examples=_examples(trained))
    from_tensors = loaded.signatures["raw_tensors"](**_tensors(trained))
    for name in OUTPUTS:
        np.testing.assert_array_equal(from_examples[name].numpy(), from_tensors[name].numpy())


def test_export_answers_as_the_model_does_on_transformed_rows(
    loaded: Any, trained: Trained
) -> None:
    options = TrainerOptions.model_validate(OPTIONS)
    layout = read_layout(trained.arguments.transform_output, options.transform)
    model = RankingModel(layout, tuple(options.tasks), options.model)
    features = {
        name: tf.constant(values)
        for name, values in trained.matrices.items()
        if name not in options.transform.labels
    }
    model(features)
    model.set_weights([weight.numpy() for weight in loaded.weights])
    structure = build_structure(options.funnel, options.model.structure)
    expected = structure.probabilities(model(features))
    found = loaded.signatures["serving_default"](examples=_examples(trained))
    for name in OUTPUTS:
        np.testing.assert_array_equal(found[name].numpy(), expected[name].numpy())


def test_export_takes_rows_in_any_batch(loaded: Any, trained: Trained) -> None:
    examples = _examples(trained)
    serve = loaded.signatures["serving_default"]
    whole = serve(examples=examples)["ctcvr"].numpy()
    singly = [serve(examples=examples[i : i + 1])["ctcvr"].numpy()[0] for i in range(10)]
    np.testing.assert_allclose(singly, whole[:10], rtol=1e-6)  # matmul kernels differ by batch


def test_export_ctcvr_is_the_product(loaded: Any, trained: Trained) -> None:
    answer = loaded.signatures["serving_default"](examples=_examples(trained))
    product = answer["click"].numpy() * answer["conversion"].numpy()
    np.testing.assert_allclose(answer["ctcvr"].numpy(), product, rtol=1e-6)


def test_export_answers_a_request_without_any_feature(loaded: Any) -> None:
    answer = loaded.signatures["serving_default"](examples=tf.constant([b"", b""]))
    for name in OUTPUTS:
        values = answer[name].numpy()
        assert values.shape == (2, 1)
        assert np.all((values > 0) & (values < 1))


def test_export_metadata_says_how_to_ask(trained: Trained) -> None:
    path = Path(trained.arguments.serving_model_dir) / "assets.extra" / "rankbeam.json"
    plain = json.loads(path.read_text())
    assert [output["name"] for output in plain["outputs"]] == OUTPUTS
    assert plain["features"] == {
        "device": {"type": "string", "multivalent": False},
        "visitor id": {"type": "string", "multivalent": False},
        "partner": {"type": "int", "multivalent": False},
        "interests": {"type": "string", "multivalent": True},
        "age": {"type": "float", "multivalent": False},
        "hour": {"type": "float", "multivalent": False},
    }
    assert set(plain["tasks"]) == {"click", "conversion"}
    assert ModelMetadata.model_validate(plain).outputs[2].given_label is None


@pytest.mark.slow
def test_export_loads_where_only_tensorflow_is_imported(trained: Trained) -> None:
    program = (
        "import sys, tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "print(sorted(model.signatures['serving_default'](examples=tf.constant([b'']))))\n"
        "print([m for m in ('rankbeam', 'tensorflow_transform', 'tf_keras') if m in sys.modules])\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    result = subprocess.run(
        [sys.executable, "-c", program, trained.arguments.serving_model_dir],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "['click', 'conversion', 'ctcvr']\n[]\n"
