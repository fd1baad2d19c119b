"""From a config to a pipeline that Kubeflow or Vertex runs, through TFX's own compiler."""

from collections.abc import Mapping
from typing import Any, Literal

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from rankbeam import __version__
from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.cluster import ClusterExampleGen, cluster_layout
from rankbeam.components.example_gen.query_component import ClusterQueryExampleGen
from rankbeam.pipeline import dag, options
from rankbeam.pipeline.beam.compiled import compiled_plan
from rankbeam.pipeline.beam.nodes import apply_plan
from rankbeam.pipeline.beam.spec import BeamRunner
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.kubeflow.documents import job_json, pipeline_yaml
from rankbeam.pipeline.kubeflow.parameters import (
    RunParameter,
    RunParameters,
    run_parameters,
    schema_root,
)
from rankbeam.pipeline.kubeflow.platform import platform_spec
from rankbeam.pipeline.kubeflow.settings import apply_settings, declare_parameters
from rankbeam.pipeline.kubeflow.spec import KubeflowSpec
from rankbeam.transform.errors import ConfigError

Target = Literal["kubeflow", "vertex"]

ENTRY_POINT = ("python", "-m", "rankbeam.pipeline.kubeflow.entry")
"""Command of every container: TFX's entry point behind one of ours."""


def compile_pipeline(
    config: RankbeamConfig, target: Target = "kubeflow", beam_runner: BeamRunner | None = None
) -> str:
    """Compile the DAG.

    Args:
        config: A valid config.
        target: `kubeflow` for a KFP v2 PipelineSpec with its platform spec, as YAML; `vertex` for
            a PipelineJob, as JSON.
        beam_runner: Where all Beam stages run; where None, as the config says.

    Returns:
        The file's text, the same for the same config.

    Raises:
        ConfigError: The config names places of this machine, settings of a node that the pipeline
            has not, or lacks some that Vertex or the runner needs.
    """
    settings = config.kubeflow
    parameters = run_parameters(config)
    nodes = _nodes(config, parameters)
    _check_nodes(settings, nodes)
    if target == "vertex":
        _check_vertex(settings)
    apply_plan(nodes, compiled_plan(config.beam, beam_runner, settings.pipeline_root))
    job = _compiled(config, nodes)
    spec = job["pipelineSpec"]
    declare_parameters(spec, parameters)
    apply_settings(spec, settings)
    if target == "vertex":
        return job_json(job)
    if settings.pipeline_root is not None:
        spec["defaultPipelineRoot"] = settings.pipeline_root
    names = [node.id for node in nodes]
    return pipeline_yaml(spec, platform_spec(settings, names), parameters)


def image_of(settings: KubeflowSpec) -> str:
    """The image of all nodes."""
    return settings.image if settings.image is not None else f"rankbeam:{__version__}"


def _nodes(config: RankbeamConfig, parameters: RunParameters) -> list[BaseNode]:
    nodes: list[BaseNode] = dag.build_nodes(
        config,
        schema_root(config),
        _placeholder(parameters.push_destination),
        examples_node=_examples_node(config, parameters).with_id("ExampleGen"),
        max_steps=_placeholder(parameters.training_steps),
    )
    return nodes


def _examples_node(config: RankbeamConfig, parameters: RunParameters) -> BaseNode:
    spec, source = options.example_gen_spec(config), config.data.source
    span = None if parameters.span is None else _placeholder(parameters.span)
    if isinstance(source, BigQuerySource):
        return ClusterQueryExampleGen(spec, source, span)
    assert parameters.data_path is not None  # only BigQuery has none
    patterns = dict(cluster_layout(config.data).patterns)
    return ClusterExampleGen(spec, patterns, _placeholder(parameters.data_path), span)


def _placeholder(parameter: RunParameter) -> RuntimeParameter:
    return RuntimeParameter(name=parameter.name, ptype=parameter.kind, default=parameter.default)


def _compiled(config: RankbeamConfig, nodes: list[BaseNode]) -> dict[str, Any]:
    """TFX's PipelineJob."""
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=image_of(config.kubeflow),
            default_commands=list(ENTRY_POINT),
            # The schema version that open-source Kubeflow accepts.
            use_pipeline_spec_2_1=True,
        )
    )
    pipeline = Pipeline(
        # Kubeflow takes no underscores in names.
        pipeline_name=config.name.replace("_", "-"),
        pipeline_root=config.kubeflow.pipeline_root or "",
        components=nodes,
    )
    job: dict[str, Any] = runner.run(pipeline, write_out=False)
    return job


def _check_nodes(settings: KubeflowSpec, nodes: list[BaseNode]) -> None:
    known = [node.id for node in nodes]
    for name in settings.nodes:
        if name not in known:
            raise ConfigError(
                f"kubeflow.nodes must name nodes of this pipeline ({', '.join(known)}); got {name}"
            )


def _check_vertex(settings: KubeflowSpec) -> None:
    root = settings.pipeline_root
    if root is None or not root.startswith("gs://"):
        raise ConfigError(
            f"kubeflow.pipeline_root must start with gs:// for Vertex; got {root or 'nothing'}"
        )
    if settings.volumes:
        raise ConfigError(
            "kubeflow.volumes must be empty for Vertex, which mounts no claims; got "
            f"{settings.volumes[0].claim}"
        )
    sections: Mapping[str, Any] = {
        "kubeflow.defaults": settings.defaults,
        **{f"kubeflow.nodes.{name}": node for name, node in settings.nodes.items()},
    }
    for place, node in sections.items():
        for field in ("node_selector", "secrets"):
            if getattr(node, field):
                raise ConfigError(
                    f"{place}.{field} must be empty for Vertex, which runs no pods of yours; "
                    f"got {_first(getattr(node, field))}"
                )


def _first(value: Any) -> str:
    first = next(iter(value))
    return first if isinstance(first, str) else str(first.name)
