"""StatisticsGen's executor, for examples whose columns are known beforehand."""

from typing import Any

import tensorflow_data_validation as tfdv
from tfx.components.statistics_gen import executor
from tfx.types import Artifact, artifact_utils
from tfx.types.standard_component_specs import EXAMPLES_KEY, STATISTICS_KEY

from rankbeam.components.example_batches.kinds import Kinds
from rankbeam.components.example_batches.records import split_files
from rankbeam.components.example_batches.source import ReadBatches
from rankbeam.components.example_gen.counts import counts_from_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY


class Executor(executor.Executor):
    """Computes the same statistics as the stock executor does without options."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write every split's statistics.

        The columns of another ExampleGen's examples are known only when all rows are read, as the
        stock executor does it.

        Args:
            input_dict: The stock input `examples`.
            output_dict: The stock output `statistics`.
            exec_properties: The stock properties, all at their defaults.
        """
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES_KEY])
        columns = _columns(examples)
        if not all(columns.values()):
            super().Do(input_dict, output_dict, exec_properties)
            return
        self._log_startup(input_dict, output_dict, exec_properties)
        statistics = artifact_utils.get_single_instance(output_dict[STATISTICS_KEY])
        statistics.split_names = artifact_utils.encode_split_names(list(columns))
        statistics.span = examples.span
        statistics.set_json_value_custom_property(
            executor.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, dict.fromkeys(columns, 1.0)
        )
        with self._make_beam_pipeline() as pipeline:
            for split, kinds in columns.items():
                files = split_files(artifact_utils.get_split_uri([examples], split))
                target = artifact_utils.get_split_uri([statistics], split)
                _ = (
                    pipeline
                    | f"Read {split}" >> ReadBatches(files, kinds, tell_empty=True)
                    | f"Statistics of {split}" >> tfdv.GenerateStatistics(tfdv.StatsOptions())
                    | f"Write {split}"
                    >> tfdv.WriteStatisticsToBinaryFile(f"{target}/{executor.DEFAULT_FILE_NAME}")
                )


def _columns(examples: Artifact) -> dict[str, Kinds]:
    """Split name to its columns in order of name; none of a split where they are not known."""
    text = examples.get_string_custom_property(COUNTS_PROPERTY)
    counts = counts_from_json(text) if text else {}
    return {
        split: dict(sorted(counts[split].kinds.items())) if split in counts else {}
        for split in artifact_utils.decode_split_names(examples.split_names)
    }
