"""The node as clusters run it: no driver beside it, and a span that is set when the run starts.

TFX's FileBasedExampleGen leaves spans and fingerprints to a driver, which open-source Kubeflow does
not run. This node has the same executor and finds its files itself.
"""

from typing import ClassVar

from tfx.dsl.components.base import base_component
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.example_gen.executor import ArrowExampleGenExecutor, pack_spec
from rankbeam.components.example_gen.paths import InputLayout, file_source, input_layout
from rankbeam.components.example_gen.spec import DataSpec, ExampleGenSpec
from rankbeam.transform.errors import ConfigError

# Stands for the folder that is known when the run starts; patterns are what is below it.
_SOME_FOLDER = "cluster://data"


class ClusterExampleGenSpec(ComponentSpec):
    """Outputs and parameters of `ClusterExampleGen`."""

    PARAMETERS: ClassVar = {
        "input_base": ExecutionParameter(type=str),
        "input_config": ExecutionParameter(type=example_gen_pb2.Input),
        "custom_config": ExecutionParameter(type=example_gen_pb2.CustomConfig),
        # The stock driver calls the span that it found `span`.
        "asked_span": ExecutionParameter(type=int, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {"examples": ChannelParameter(type=standard_artifacts.Examples)}


class ClusterExampleGen(base_component.BaseComponent):
    """Reads and splits the data below a folder.

    Args:
        spec: What to read, and how to split it.
        patterns: Input split name to glob below the folder, see `cluster_layout`.
        data_path: The folder.
        span: Span to read, -1 for the latest; None where the patterns have no {SPAN}.
    """

    SPEC_CLASS = ClusterExampleGenSpec
    EXECUTOR_SPEC = ExecutorClassSpec(ArrowExampleGenExecutor)

    def __init__(
        self,
        spec: ExampleGenSpec,
        patterns: dict[str, str],
        data_path: str | RuntimeParameter,
        span: int | RuntimeParameter | None = None,
    ) -> None:
        splits = [
            example_gen_pb2.Input.Split(name=name, pattern=pattern)
            for name, pattern in patterns.items()
        ]
        super().__init__(
            ClusterExampleGenSpec(
                input_base=data_path,
                input_config=example_gen_pb2.Input(splits=splits),
                custom_config=pack_spec(spec),
                asked_span=span,
                examples=Channel(type=standard_artifacts.Examples),
            )
        )


def cluster_layout(data: DataSpec) -> InputLayout:
    """Where the data are on a cluster.

    Returns:
        The patterns, and as base the folder that they start from: of paths with a scheme or from
        the root, the part before the first wildcard; empty for relative paths, which start from a
        folder that the config's file does not know.

    Raises:
        ConfigError: The path is malformed, leads out of its folder, or log and outcomes start from
            different folders.
    """
    layout = input_layout(data, _SOME_FOLDER)
    source = file_source(data)
    paths = [source.path]
    outcomes = getattr(source, "outcomes", None)
    if outcomes is not None:
        paths.append(outcomes.path)
    relative = {"://" not in path and not path.startswith("/") for path in paths}
    if len(relative) > 1:
        raise ConfigError(
            "data.source.outcomes.path must be relative where data.source.path is; "
            f"got {outcomes.path if outcomes else None} and {source.path}"
        )
    for path in paths:
        if ".." in path.split("/"):
            raise ConfigError(f"data.source.path must not hold .. on a cluster; got {path}")
    if relative == {False}:
        base = layout.base.removeprefix(f"{_SOME_FOLDER}/") or "/"
        return InputLayout(base, layout.patterns)
    skipped = len(_SOME_FOLDER) + 1
    return InputLayout("", {name: layout.whole(name)[skipped:] for name in layout.patterns})
