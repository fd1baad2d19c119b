"""Writes the transform graph in steps that may run twice, as an engine's do after a lost worker."""

import uuid
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam

from rankbeam.components.example_batches.records import writing

# What TFT's own steps tell each other beside a model; none of the graph.
_TFTS_OWN = ".tft_metadata"


class WriteGraph(beam.PTransform):
    """Writes what TFT's analysis gives to the folder that `tft.TFTransformOutput` reads.

    TFT's own `WriteTransformFn` renames folders that earlier steps filled. A second attempt of it
    fails: what it would rename is gone or, in older versions of TFT, its place is taken.

    Args:
        graph: Folder to write to.
        temporary: Folder for what is not whole yet, on the same file system; who runs the pipeline
            removes it.
    """

    def __init__(self, graph: str, temporary: str) -> None:
        super().__init__()
        self._graph = graph
        self._temporary = temporary

    def _extract_input_pvalues(self, pvalueish: Any) -> tuple[Any, list[Any]]:
        """Tells Beam which collections there are: those of the metadata it does not see itself."""
        model, metadata = pvalueish
        return pvalueish, [model, metadata.deferred_metadata]

    def expand(self, transform_fn: Any) -> Any:
        """A collection of one element, which is there when both folders are."""
        model, metadata = transform_fn
        folder = f"{self._graph}/{tft.TFTransformOutput.TRANSFORMED_METADATA_DIR}"
        # Files of a second attempt take the place of equal ones of the first.
        described = metadata | "Metadata" >> tft_beam.WriteMetadata(folder, model.pipeline)
        target = f"{self._graph}/{tft.TFTransformOutput.TRANSFORM_FN_DIR}"
        return model | "Model" >> beam.Map(
            publish_model, target, self._temporary, beam.pvalue.AsSingleton(described)
        )


def publish_model(source: str, target: str, temporary: str, described: str) -> str:
    """Copies a SavedModel, which takes the place of what an earlier attempt left there.

    Args:
        source: Its folder, which stays: another attempt of this step alone needs it.
        target: Folder to write.
        temporary: Folder for the copy until it is whole.
        described: Comes when the metadata is written.

    Returns:
        `target`.

    Raises:
        EnvironmentFault: The model cannot be copied.
    """
    del described
    copy = f"{temporary}/{uuid.uuid4().hex}"
    with writing(target):
        _copy_folder(source, copy)
        if tf.io.gfile.exists(target):
            tf.io.gfile.rmtree(target)
        tf.io.gfile.rename(copy, target)
    return target


def _copy_folder(source: str, target: str) -> None:
    for folder, _, files in tf.io.gfile.walk(source):
        if _TFTS_OWN in folder[len(source) :].split("/"):
            continue
        there = f"{target}{folder[len(source) :]}".rstrip("/")
        tf.io.gfile.makedirs(there)
        for file in files:
            tf.io.gfile.copy(f"{folder.rstrip('/')}/{file}", f"{there}/{file}")
