"""The node around the contract: artifacts in, artifacts out."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import Channel, standard_artifacts

from rankbeam.components.schema_contract.component import SchemaContract
from rankbeam.components.schema_contract.executor import Executor
from rankbeam.components.schema_contract.spec import SchemaContractOptions
from rankbeam.transform.errors import DataError

OPTIONS = SchemaContractOptions(labels=("click",), features=("device",))
GIVEN = 'feature { name: "click" type: INT } feature { name: "device" type: BYTES }'


def run(folder: Path, text: str) -> schema_pb2.Schema:
    """Run the executor on a schema file with `text`."""
    given, made = standard_artifacts.Schema(), standard_artifacts.Schema()
    given.uri, made.uri = str(folder / "given"), str(folder / "made")
    (folder / "given").mkdir()
    (folder / "given" / "by_hand.pbtxt").write_text(text)
    Executor().Do(
        {"given_schema": [given]}, {"schema": [made]}, {"options": OPTIONS.model_dump_json()}
    )
    written = (folder / "made" / "schema.pbtxt").read_text()
    return text_format.Parse(written, schema_pb2.Schema())


def test_schema_contract_node_writes_the_tightened_schema(tmp_path: Path) -> None:
    schema = run(tmp_path, GIVEN)
    assert list(schema.default_environment) == ["TRAINING", "SERVING"]
    assert schema.feature[0].int_domain.max == 1


@pytest.mark.parametrize("text", ["feature { nme: 'x' }", "feature {", "click: INT"])
def test_schema_contract_node_names_a_file_that_is_no_schema(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"schema file by_hand.pbtxt must be a Schema text proto"):
        run(tmp_path, text)


def test_schema_contract_node_passes_its_options_as_one_string() -> None:
    node = SchemaContract(schema=Channel(type=standard_artifacts.Schema), options=OPTIONS)
    text = node.exec_properties["options"]
    assert isinstance(text, str)
    assert SchemaContractOptions.model_validate_json(text) == OPTIONS
    assert node.outputs["schema"].type is standard_artifacts.Schema
