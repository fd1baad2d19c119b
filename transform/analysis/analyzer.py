"""The one analyzer: all statistics of all columns in one combine over the training split."""

import hashlib
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from tensorflow_transform import analyzer_nodes, nodes

from rankbeam.transform.analysis import vocabulary
from rankbeam.transform.analysis.arrays import Numbers
from rankbeam.transform.analysis.statistics import Statistics
from rankbeam.transform.analysis.summary import Batch, Summary
from rankbeam.transform.analysis.vocabulary import Vocabularies
from rankbeam.transform.plan import Plan

# Before the analysis the asset must be a file that a table accepts: no values, one header line.
_PLACEHOLDER_ASSET = b"# \n"


class SummarizeFn(beam.CombineFn):
    """Folds batches into a `Summary`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def create_accumulator(self) -> Summary:
        """The summary of no rows."""
        return Summary.empty(self._plan)

    def add_input(self, mutable_accumulator: Summary, element: Batch) -> Summary:
        """Adds one batch."""
        mutable_accumulator.add(element)
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        """Adds several summaries."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def compact(self, accumulator: Summary) -> Summary:
        """Folds what is buffered before the summary travels."""
        accumulator.fold()
        return accumulator

    def extract_output(self, accumulator: Summary) -> Summary:
        """The complete summary."""
        accumulator.fold()
        return accumulator


class SummarizeColumns(tft_beam.experimental.PTransformAnalyzer):
    """From batches to the vocabulary asset's path and the statistics vector."""

    def __init__(self, plan: Plan) -> None:
        """Takes the order of the columns."""
        super().__init__()
        self._plan = plan

    def expand(self, pcoll: Any) -> Any:
        """A pair of collections. One combine; what follows it runs on a single element."""
        finished = (
            pcoll
            | "Summarize" >> beam.CombineGlobally(SummarizeFn(self._plan))
            | "Finish" >> beam.Map(_finish, self._plan, self.base_temp_dir)
        )
        return (
            finished | "Vocabulary" >> beam.Map(_first_of_pair).with_output_types(str),
            finished | "Statistics" >> beam.Map(_second_of_pair).with_output_types(np.ndarray),
        )


def _finish(summary: Summary, plan: Plan, folder: str) -> tuple[str, Numbers]:
    vocabularies = Vocabularies.select(plan, summary.keys)
    vector = Statistics.of(plan, summary, vocabularies).to_vector()
    content = hashlib.sha256(plan.identity().encode())
    content.update(vector.tobytes())
    content.update(vocabularies.body())
    return vocabulary.write(vocabularies, content.hexdigest(), folder), vector


def _first_of_pair(pair: tuple[str, Numbers]) -> str:
    return pair[0]


def _second_of_pair(pair: tuple[str, Numbers]) -> Numbers:
    return pair[1]


def analyze(plan: Plan, keys: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, Statistics]:
    """Declares the analysis of `keys` (k,) and `numbers` (B, N) over the training split.

    This is what `tft.experimental.ptransform_analyzer` does, from the same parts: that function
    makes either all outputs assets or none, and here one is and one is not.

    Args:
        plan: Order of the columns.
        keys: Prefixed values of all vocabulary columns, strings.
        numbers: All numeric columns; NaN where missing.

    Returns:
        Path of the vocabulary asset, and the statistics.
    """
    with tf.name_scope("rankbeam"):
        asset, vector = nodes.apply_multi_output_operation(
            analyzer_nodes.PTransform,
            analyzer_nodes.get_input_tensors_value_nodes((keys, numbers)),
            ptransform=SummarizeColumns(plan),
            output_tensor_info_list=[
                analyzer_nodes.TensorInfo(
                    tf.string, [], analyzer_nodes.TemporaryAssetInfo(_PLACEHOLDER_ASSET, "text")
                ),
                analyzer_nodes.TensorInfo(tf.float64, [sum(Statistics.sizes(plan))], None),
            ],
            is_partitionable=False,
        )
        return (
            analyzer_nodes.wrap_as_tensor(asset),
            Statistics.from_vector(plan, analyzer_nodes.wrap_as_tensor(vector)),
        )
