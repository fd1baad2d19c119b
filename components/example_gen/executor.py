"""The executor: decodes what TFX hands it, and lets `ingest` do the work."""

from typing import Any

from google.protobuf import wrappers_pb2
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import Artifact, artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from rankbeam.components.example_gen.bigquery_spec import SPAN_PARAMETERS, BigQuerySource
from rankbeam.components.example_gen.counts import counts_to_json
from rankbeam.components.example_gen.ingest import SPLITS, ingest
from rankbeam.components.example_gen.paths import ALL_ROWS
from rankbeam.components.example_gen.sources.bigquery import query_text
from rankbeam.components.example_gen.sources.files import list_files
from rankbeam.components.example_gen.spans import has_span
from rankbeam.components.example_gen.spec import ExampleGenSpec
from rankbeam.transform.errors import ConfigError

LATEST_SPAN = -1
"""Value of the property `asked_span` that asks for the latest."""
COUNTS_PROPERTY = "counts"
"""Custom property of the Examples artifact: JSON of `counts_from_json`."""


class ArrowExampleGenExecutor(BaseExecutor):
    """Executor of a FileBasedExampleGen made by `example_gen`."""

    def Do(  # noqa: N802  # TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the Examples artifact.

        Args:
            input_dict: Empty.
            output_dict: `examples`: one Examples artifact, which gets the splits train and eval,
                the stock properties, and COUNTS_PROPERTY.
            exec_properties: The stock ones, as the driver leaves them ({SPAN} replaced), with a
                `custom_config` packed by `pack_spec`.

        Raises:
            DataError: The data cannot be read as the spec says.
            ConfigError: The spec does not fit the data.
            EnvironmentFault: The output cannot be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        spec = unpack_spec(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        source = spec.data.source
        files = (
            {ALL_ROWS: (_query(source, exec_properties),)}
            if isinstance(source, BigQuerySource)
            else _input_files(exec_properties)
        )
        counts = ingest(spec, files, examples.uri)
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property(COUNTS_PROPERTY, counts_to_json(counts))


def pack_spec(spec: ExampleGenSpec) -> example_gen_pb2.CustomConfig:
    """The spec as the stock component's `custom_config` takes it."""
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(wrappers_pb2.StringValue(value=spec.model_dump_json()))
    return config


def unpack_spec(custom_config: str) -> ExampleGenSpec:
    """The inverse of `pack_spec`, from the JSON that the executor gets."""
    config = proto_utils.json_to_proto(custom_config, example_gen_pb2.CustomConfig())
    text = wrappers_pb2.StringValue()
    config.custom_config.Unpack(text)
    return ExampleGenSpec.model_validate_json(text.value)


def _query(source: BigQuerySource, exec_properties: dict[str, Any]) -> str:
    """The query; a driver, where there is one, has filled its span in."""
    span = int(exec_properties.get("asked_span", LATEST_SPAN))
    if span != LATEST_SPAN:
        return query_text(source, span)
    config = proto_utils.json_to_proto(
        exec_properties[standard_component_specs.INPUT_CONFIG_KEY], example_gen_pb2.Input()
    )
    query: str = config.splits[0].pattern
    if any(name in query for name in SPAN_PARAMETERS):
        raise ConfigError("span must be given where data.source.query has one; got none")
    return query


def _input_files(exec_properties: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Input split name to its files."""
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    config = proto_utils.json_to_proto(
        exec_properties[standard_component_specs.INPUT_CONFIG_KEY], example_gen_pb2.Input()
    )
    span = int(exec_properties.get("asked_span", LATEST_SPAN))
    if any(has_span(split.pattern) for split in config.splits):
        # Only a ClusterExampleGen has spans left to find: it has no driver.
        _fill_spans(base, config, span)
    elif span != LATEST_SPAN:
        raise ConfigError(
            f"data.source.path must hold {{SPAN}} where a span is asked for; got span {span}"
        )
    return {
        split.name: list_files(f"{base.rstrip('/')}/{split.pattern}") for split in config.splits
    }


def _fill_spans(base: str, config: example_gen_pb2.Input, span: int) -> None:
    asked = None
    if span != LATEST_SPAN:
        one = range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
        asked = range_config_pb2.RangeConfig(static_range=one)
    processor = FileBasedInputProcessor(base, config.splits, asked)
    found, version = processor.resolve_span_and_version()
    for split in config.splits:
        split.pattern = processor.get_pattern_for_span_version(split.pattern, found, version)
