"""The executor of `SchemaContract`: reads a schema, tightens it, writes it."""

import os
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from rankbeam.components.schema_contract.logic import tighten
from rankbeam.components.schema_contract.spec import SchemaContractOptions
from rankbeam.transform.errors import DataError

SCHEMA_FILE = "schema.pbtxt"


class Executor(base_executor.BaseExecutor):
    """Tightens the schema artifact by what the config promises."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the tightened schema.

        Args:
            input_dict: `given_schema`: one Schema artifact.
            output_dict: `schema`: one Schema artifact.
            exec_properties: `options`: `SchemaContractOptions` as JSON.

        Raises:
            DataError: The schema cannot be parsed, or contradicts the config.
        """
        options = SchemaContractOptions.model_validate_json(exec_properties["options"])
        folder = artifact_utils.get_single_uri(input_dict["given_schema"])
        tightened = tighten(_read(io_utils.get_only_uri_in_dir(folder)), options)
        target = artifact_utils.get_single_uri(output_dict["schema"])
        io_utils.write_pbtxt_file(os.path.join(target, SCHEMA_FILE), tightened)


def _read(uri: str) -> schema_pb2.Schema:
    try:
        with fileio.open(uri) as file:
            return text_format.Parse(file.read(), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        name = os.path.basename(uri)
        raise DataError(f"schema file {name} must be a Schema text proto; {error}") from None
