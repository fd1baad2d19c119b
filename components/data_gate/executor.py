"""The executor of `DataGate`: gathers the evidence, judges it, writes the verdict."""

import functools
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from rankbeam.components.data_gate.evidence import gather, integer_columns, split_names
from rankbeam.components.data_gate.logic import judge
from rankbeam.components.data_gate.report import write_report
from rankbeam.components.data_gate.scan import row_name
from rankbeam.components.data_gate.spec import DataGateOptions


class Executor(base_executor.BaseExecutor):
    """Stops the run where the data break a promise."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write `report.json` if every check passes.

        Args:
            input_dict: One artifact each of `examples`, `statistics`, `schema`, `anomalies`.
            output_dict: `verdict`: one ExampleAnomalies artifact.
            exec_properties: `options`: `DataGateOptions` as JSON.

        Raises:
            GateError: A check fails, or cannot be made; all problems are listed.
        """
        options = DataGateOptions.model_validate_json(exec_properties["options"])
        examples, statistics, anomalies, schema_artifact = (
            artifact_utils.get_single_instance(input_dict[key])
            for key in ("examples", "statistics", "anomalies", "schema")
        )
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_artifact.uri))
        columns = integer_columns(schema, options)
        splits = split_names(examples)
        evidence = [
            gather(split, examples, statistics, anomalies, columns, options) for split in splits
        ]
        name_row = functools.partial(row_name, ids=options.ids)
        report = judge(evidence, schema, options, name_row, where=anomalies.uri)
        verdict = artifact_utils.get_single_instance(output_dict["verdict"])
        verdict.split_names = artifact_utils.encode_split_names(list(splits))
        write_report(verdict.uri, report)
