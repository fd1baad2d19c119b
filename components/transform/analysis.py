"""The analysis: TFT's, on batches that are read in few steps."""

from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

from rankbeam.components.example_batches.kinds import kinds_of_schema
from rankbeam.components.example_batches.source import ReadBatches
from rankbeam.components.transform.write_graph import WriteGraph


def analyze(
    pipeline: beam.Pipeline,
    files: Sequence[str],
    schema: schema_pb2.Schema,
    preprocessing_fn: Callable[..., Any],
    graph: str,
    temporary: str,
) -> Any:
    """Analyzes examples and writes the transform graph.

    Args:
        pipeline: Where it runs.
        files: TFRecord files of tf.Examples to analyze.
        schema: Of these examples.
        preprocessing_fn: Raw columns to transformed ones.
        graph: Folder to write to.
        temporary: Folder for what is needed meanwhile.

    Returns:
        A collection of one element, which is there when the graph is written.
    """
    source = TFExampleRecord(list(files), schema=schema, telemetry_descriptors=["Transform"])
    columns = tft.get_analyze_input_columns(
        preprocessing_fn, source.TensorAdapter().OriginalTypeSpecs()
    )
    projected = source.Project(columns) if columns else source
    kinds = kinds_of_schema(projected.ArrowSchema())
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema),
        f"{graph}/{tft.TFTransformOutput.RAW_METADATA_DIR}",
    )
    with tft_beam.Context(temp_dir=temporary, use_deep_copy_optimization=True):
        batches = pipeline | "Read" >> ReadBatches(files, kinds, tell_empty=False)
        transform_fn = (
            batches,
            projected.TensorAdapterConfig(),
        ) | "Analyze" >> tft_beam.AnalyzeDataset(preprocessing_fn, pipeline=pipeline)
        return transform_fn | "WriteGraph" >> WriteGraph(graph, temporary)
