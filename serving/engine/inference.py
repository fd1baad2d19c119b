"""Classify, Regress and MultiInference: tf.Examples in, named results out. Pure but for the call.

Which signatures qualify and what is said where one does not follows TensorFlow Serving.
"""

from collections.abc import Mapping, Sequence

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    regression_pb2,
)

from rankbeam.serving import status, tensors
from rankbeam.serving.servable import DEFAULT_SIGNATURE, Servable
from rankbeam.serving.signature import Signature

CLASSIFY = tf.saved_model.CLASSIFY_METHOD_NAME
REGRESS = tf.saved_model.REGRESS_METHOD_NAME
_INPUTS = "inputs"
_SCORES = "scores"
_CLASSES = "classes"
_OUTPUTS = "outputs"
_KIND = {CLASSIFY: "classification", REGRESS: "regression"}


def serialized_examples(given: input_pb2.Input) -> tensors.Array:
    """The examples of a request, string (B,); a context's features precede each example's own.

    Raises:
        status.Refusal: INVALID_ARGUMENT where there is no example.
    """
    kind = given.WhichOneof("kind")
    context = b""
    examples: Sequence[tf.train.Example] = ()
    if kind == "example_list":
        examples = given.example_list.examples
    elif kind == "example_list_with_context":
        examples = given.example_list_with_context.examples
        context = given.example_list_with_context.context.SerializeToString()
    if not examples:
        raise status.invalid_argument("Input is empty.")
    array = np.empty(len(examples), dtype=object)
    # Concatenated messages merge: the later one's features win.
    array[:] = [context + example.SerializeToString() for example in examples]
    return array


def feeds(signature: Signature, given: input_pb2.Input) -> dict[str, tensors.Array]:
    """What a signature is called on: every input takes the examples, string (B,).

    Raises:
        status.Refusal: INVALID_ARGUMENT where there is no example.
    """
    return dict.fromkeys(signature.inputs, serialized_examples(given))


def qualified(servable: Servable, name: str, method: str, *, check_method: bool) -> Signature:
    """The signature that Classify or Regress may run.

    Args:
        servable: the version.
        name: the signature's name; empty means `serving_default`.
        method: `CLASSIFY` or `REGRESS`.
        check_method: whether the signature itself must be declared for that method.

    Raises:
        status.Refusal: INVALID_ARGUMENT or FAILED_PRECONDITION where it does not qualify.
    """
    key = name or DEFAULT_SIGNATURE
    if key not in servable.signatures:
        raise status.invalid_argument(f"No signature was found with the name: {key}")
    signature = servable.signatures[key]
    kind = _KIND[method]
    if check_method and signature.method_name != method:
        raise status.invalid_argument(
            f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise status.invalid_argument("Expected one input Tensor.")
    _check_outputs(signature, method)
    if _INPUTS not in signature.inputs:
        raise status.failed_precondition(
            f"No {kind} inputs found in SignatureDef: {signature.name}"
        )
    return signature


def _check_outputs(signature: Signature, method: str) -> None:
    found = set(signature.outputs)
    if method == REGRESS:
        if len(found) != 1:
            raise status.invalid_argument("Expected one output Tensor.")
        if _OUTPUTS not in found:
            raise status.failed_precondition(
                f"No regression outputs found in SignatureDef: {signature.name}"
            )
        return
    if len(found) not in (1, 2):
        raise status.invalid_argument(f"Expected one or two output Tensors, found {len(found)}")
    if not found & {_SCORES, _CLASSES}:
        raise status.failed_precondition(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {signature.name}'
        )


def classifications(
    found: Mapping[str, tensors.Array], count: int
) -> classification_pb2.ClassificationResult:
    """`scores` and `classes`, each (B, K), as one list of classes for each example.

    Raises:
        status.Refusal: INVALID_ARGUMENT for another shape or dtype.
    """
    scores, classes = found.get(_SCORES), found.get(_CLASSES)
    for name, array, kind in ((_CLASSES, classes, "O"), (_SCORES, scores, "f")):
        if array is not None:
            _check_matrix(name, array, kind, count)
    if scores is not None and classes is not None and scores.shape != classes.shape:
        raise status.invalid_argument(
            "Tensors class and score should match in dim_size(1). "
            f"Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    result = classification_pb2.ClassificationResult()
    width = next(a.shape[1] for a in (scores, classes) if a is not None)
    for row in range(count):
        added = result.classifications.add()
        for column in range(width):
            one = added.classes.add()
            if classes is not None:
                one.label = classes[row, column].decode(errors="replace")
            if scores is not None:
                one.score = scores[row, column]
    return result


def _check_matrix(name: str, array: tensors.Array, kind: str, count: int) -> None:
    if array.ndim != 2:
        raise status.invalid_argument(
            f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
        )
    wanted = "DT_STRING" if kind == "O" else "DT_FLOAT"
    if array.dtype.kind != kind or array.dtype == np.float64:
        raise status.invalid_argument(f"Expected {name} Tensor of {wanted}. Got: {array.dtype}")
    if array.shape[0] != count:
        raise status.invalid_argument(
            f"Expected {name} output batch size of {count}. Got: {array.shape[0]}"
        )


def regressions(found: Mapping[str, tensors.Array], count: int) -> regression_pb2.RegressionResult:
    """`outputs`, (B,) or (B, 1), as one value for each example.

    Raises:
        status.Refusal: INVALID_ARGUMENT for another shape or dtype.
    """
    array = found[_OUTPUTS]
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 1):
        raise status.invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
            f"but got {list(array.shape)}"
        )
    if array.shape[0] != count:
        raise status.invalid_argument(
            f"Input batch size did not match output batch size: {count} vs. {array.shape[0]}"
        )
    if array.dtype != np.float32:
        raise status.invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {array.dtype}")
    result = regression_pb2.RegressionResult()
    for value in array.ravel().tolist():
        result.regressions.add(value=value)
    return result


def plan(
    servable: Servable, tasks: Sequence[inference_pb2.InferenceTask], *, check_method: bool
) -> tuple[Signature, ...]:
    """The signatures of a MultiInference request, in order.

    Raises:
        status.Refusal: tasks of different models, a signature named twice, one that does not
            qualify, or a method that is neither Classify nor Regress.
    """
    signatures: dict[str, Signature] = {}
    for task in tasks:
        _check_model(task, tasks[0])
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if name in signatures:
            raise status.invalid_argument(f"Duplicate evaluation of signature: {name}")
        if name not in servable.signatures:
            raise status.invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name not in _KIND:
            raise status.Refusal(
                grpc.StatusCode.UNIMPLEMENTED,
                f"Unsupported signature method_name: {task.method_name}",
            )
        signatures[name] = qualified(servable, name, task.method_name, check_method=check_method)
    return tuple(signatures.values())


def _check_model(task: inference_pb2.InferenceTask, first: inference_pb2.InferenceTask) -> None:
    if not task.model_spec.name:
        raise status.invalid_argument("Found ModelSpec with an empty model name.")
    if task.model_spec.name != first.model_spec.name:
        raise status.invalid_argument(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )


def add_result(
    response: inference_pb2.MultiInferenceResponse,
    method: str,
    found: Mapping[str, tensors.Array],
    count: int,
) -> inference_pb2.InferenceResult:
    """Appends one task's result to a response and returns it."""
    result = response.results.add()
    if method == CLASSIFY:
        result.classification_result.CopyFrom(classifications(found, count))
    else:
        result.regression_result.CopyFrom(regressions(found, count))
    return result


def pick(signature: Signature, found: Mapping[str, tensors.Array]) -> dict[str, tensors.Array]:
    """One signature's outputs out of a merged run, which names them by the graph's tensors."""
    return {alias: found[tensor] for alias, tensor in signature.output_tensors.items()}
