"""The node that asks BigQuery: TFX's BigQueryExampleGen with the executor of all other sources."""

from typing import ClassVar

from tfx.dsl.components.base import base_component
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.extensions.google_cloud_big_query.example_gen.component import BigQueryExampleGen
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.executor import ArrowExampleGenExecutor, pack_spec
from rankbeam.components.example_gen.sources.bigquery import check_span
from rankbeam.components.example_gen.spec import ExampleGenSpec


def query_example_gen(
    spec: ExampleGenSpec, source: BigQuerySource, span: int | None
) -> BigQueryExampleGen:
    """An ExampleGen for local runs; TFX's driver fills the span in.

    Args:
        spec: What to read, and how to split it.
        source: The spec's source.
        span: Span to read where the query has one.

    Raises:
        ConfigError: The query needs a span and none is asked for, or the other way round.
    """
    check_span(source, span)
    asked = None
    if span is not None:
        one = range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
        asked = range_config_pb2.RangeConfig(static_range=one)
    return BigQueryExampleGen(
        query=source.sql,
        range_config=asked,
        custom_config=pack_spec(spec),
        custom_executor_spec=ExecutorClassSpec(ArrowExampleGenExecutor),
    ).with_id("ExampleGen")


class ClusterQuerySpec(ComponentSpec):
    """Outputs and parameters of `ClusterQueryExampleGen`."""

    PARAMETERS: ClassVar = {
        "input_config": ExecutionParameter(type=example_gen_pb2.Input),
        "custom_config": ExecutionParameter(type=example_gen_pb2.CustomConfig),
        "asked_span": ExecutionParameter(type=int, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {"examples": ChannelParameter(type=standard_artifacts.Examples)}


class ClusterQueryExampleGen(base_component.BaseComponent):
    """Asks BigQuery, as clusters run it: no driver, and a span that is set when the run starts.

    Args:
        spec: What to read, and how to split it.
        source: The spec's source.
        span: Span to read; None where the query has none.
    """

    SPEC_CLASS = ClusterQuerySpec
    EXECUTOR_SPEC = ExecutorClassSpec(ArrowExampleGenExecutor)

    def __init__(
        self,
        spec: ExampleGenSpec,
        source: BigQuerySource,
        span: int | RuntimeParameter | None = None,
    ) -> None:
        split = example_gen_pb2.Input.Split(name="query", pattern=source.sql)
        super().__init__(
            ClusterQuerySpec(
                input_config=example_gen_pb2.Input(splits=[split]),
                custom_config=pack_spec(spec),
                asked_span=span,
                examples=Channel(type=standard_artifacts.Examples),
            )
        )
