"""Transform's executor: one analysis with TFT's own Beam API, then each file as a whole."""

from functools import partial
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import Artifact, artifact_utils
from tfx.types.standard_component_specs import (
    CUSTOM_CONFIG_KEY,
    EXAMPLES_KEY,
    PREPROCESSING_FN_KEY,
    SCHEMA_KEY,
    TRANSFORM_GRAPH_KEY,
    TRANSFORMED_EXAMPLES_KEY,
)
from tfx.utils import import_utils, io_utils, json_utils

from rankbeam.components.example_batches.leftovers import temporary
from rankbeam.components.example_batches.records import split_files
from rankbeam.components.transform.analysis import analyze
from rankbeam.components.transform.materialize import FilePair, TransformFile

ANALYZED_SPLIT = "train"
_ANALYZING, _UNFINISHED = ".temp_path", "unfinished"


class Executor(BaseBeamExecutor):
    """Writes the same graph and examples as the stock executor does without statistics.

    That one hands on every transformed row by itself, through a protobuf map, which takes more
    time than all the rest. This one reads, transforms and writes batches, in a task for each file.
    """

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the transform graph and the transformed examples of every split.

        Args:
            input_dict: The stock inputs `examples` and `schema`.
            output_dict: The stock outputs `transform_graph` and `transformed_examples`; without
                the latter, no examples are written.
            exec_properties: The stock ones; read are `preprocessing_fn` and `custom_config`.

        Raises:
            DataError: The examples do not fit the schema or the features.
            EnvironmentFault: The output cannot be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        [schema_file] = tf.io.gfile.glob(
            f"{artifact_utils.get_single_uri(input_dict[SCHEMA_KEY])}/*"
        )
        schema = io_utils.SchemaReader().read(schema_file)
        graph = artifact_utils.get_single_uri(output_dict[TRANSFORM_GRAPH_KEY])
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES_KEY])
        transformed = output_dict.get(TRANSFORMED_EXAMPLES_KEY, [])
        files = split_files(artifact_utils.get_split_uri([examples], ANALYZED_SPLIT))
        analyzing = f"{graph}/{_ANALYZING}"
        function = _preprocessing_fn(exec_properties)
        unfinished = [f"{one.uri}/{_UNFINISHED}" for one in transformed]
        with temporary(analyzing, *unfinished), self._make_beam_pipeline() as pipeline:
            written = analyze(pipeline, files, schema, function, graph, analyzing)
            transform = TransformFile(graph, schema.SerializeToString())
            for target in transformed:
                target.split_names = examples.split_names
                _ = (
                    pipeline
                    | "Files to transform" >> beam.Create(_pairs(examples, target))
                    | "Transform" >> beam.ParDo(transform, beam.pvalue.AsSingleton(written))
                )


def _preprocessing_fn(properties: dict[str, Any]) -> Any:
    function = import_utils.import_func_from_module(
        *properties[PREPROCESSING_FN_KEY].rsplit(".", 1)
    )
    config = json_utils.loads(properties[CUSTOM_CONFIG_KEY])
    return partial(function, custom_config=config)


def _pairs(examples: Artifact, target: Artifact) -> list[FilePair]:
    """Every file of every split, and what it becomes."""
    pairs = []
    for split in artifact_utils.decode_split_names(examples.split_names):
        folder = artifact_utils.get_split_uri([target], split)
        tf.io.gfile.makedirs(folder)
        files = split_files(artifact_utils.get_split_uri([examples], split))
        for number, file in enumerate(files):
            name = f"transformed_examples-{number:05d}-of-{len(files):05d}.gz"
            unfinished = f"{target.uri}/{_UNFINISHED}/{split}"
            pairs.append(FilePair(file, f"{folder}/{name}", unfinished))
    return pairs
