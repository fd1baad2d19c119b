"""The node: TFX's own FileBasedExampleGen with an executor that reads through Arrow."""

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.proto import example_gen_pb2, range_config_pb2

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.executor import ArrowExampleGenExecutor, pack_spec
from rankbeam.components.example_gen.paths import input_layout
from rankbeam.components.example_gen.query_component import query_example_gen
from rankbeam.components.example_gen.spec import ExampleGenSpec


def example_gen(spec: ExampleGenSpec, base_dir: str, span: int | None = None) -> BaseNode:
    """An ExampleGen for the source that `spec` describes.

    TFX's driver finds the span and fingerprints the files (number, bytes, times of modification
    in whole seconds), locally and on Kubeflow; a run is cached while these and the spec stay.

    Args:
        spec: What to read, and how to split it.
        base_dir: Folder that `spec.data.source.path` is relative to.
        span: Span to read where the path has {SPAN}; the latest where None.

    Returns:
        A node whose output `examples` has the splits train and eval.

    Raises:
        ConfigError: The path is malformed, or a query's span is missing.
    """
    if isinstance(spec.data.source, BigQuerySource):
        return query_example_gen(spec, spec.data.source, span)
    layout = input_layout(spec.data, base_dir)
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=pattern)
        for name, pattern in layout.patterns.items()
    ]
    # No output_config: it could only say ratios, and the executor splits as the spec says.
    node: BaseNode = FileBasedExampleGen(
        input_base=layout.base,
        input_config=example_gen_pb2.Input(splits=splits),
        custom_config=pack_spec(spec),
        range_config=_only(span),
        custom_executor_spec=ExecutorClassSpec(ArrowExampleGenExecutor),
    ).with_id("ExampleGen")
    return node


def _only(span: int | None) -> range_config_pb2.RangeConfig | None:
    if span is None:
        return None
    one = range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
    return range_config_pb2.RangeConfig(static_range=one)
