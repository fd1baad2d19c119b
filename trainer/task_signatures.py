"""Classify and Regress for each output, as further names for what `serving_default` computes.

A SignatureDef is a name for tensors of a graph that is there already. For every output O are added

==============  ============================  ===========  ===========
name            method                        input        output
==============  ============================  ===========  ===========
``classify_O``  tensorflow/serving/classify   ``inputs``   ``scores``
``regress_O``   tensorflow/serving/regress    ``inputs``   ``outputs``
==============  ============================  ===========  ===========

All of them name the one placeholder of `serving_default`. TensorFlow Serving's MultiInference
refuses signatures that read different placeholders, and answers those that share one from a single
run of the graph. Nothing is traced, and `tf.saved_model.load`, which goes by functions, does not
see these names.
"""

from collections.abc import Iterable

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def classify_signature(output: str) -> str:
    """Name of the signature that Classify asks for an output."""
    return f"classify_{output}"


def regress_signature(output: str) -> str:
    """Name of the signature that Regress asks for an output."""
    return f"regress_{output}"


def add_task_signatures(folder: str, outputs: Iterable[str]) -> None:
    """Adds the signatures of every output to a SavedModel.

    Args:
        folder: A SavedModel whose `serving_default` takes `examples` and answers `outputs`.
        outputs: Names of the model's outputs.
    """
    path = tf.io.gfile.join(folder, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    with tf.io.gfile.GFile(path, "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved_model.meta_graphs:
        definitions = meta_graph.signature_def
        served = definitions[tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
        for output in outputs:
            classify = definitions[classify_signature(output)]
            classify.method_name = tf.saved_model.CLASSIFY_METHOD_NAME
            classify.inputs[tf.saved_model.CLASSIFY_INPUTS].CopyFrom(served.inputs["examples"])
            classify.outputs[tf.saved_model.CLASSIFY_OUTPUT_SCORES].CopyFrom(served.outputs[output])
            regress = definitions[regress_signature(output)]
            regress.method_name = tf.saved_model.REGRESS_METHOD_NAME
            regress.inputs[tf.saved_model.REGRESS_INPUTS].CopyFrom(served.inputs["examples"])
            regress.outputs[tf.saved_model.REGRESS_OUTPUTS].CopyFrom(served.outputs[output])
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(saved_model.SerializeToString(deterministic=True))
