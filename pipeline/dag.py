"""The DAG: which node feeds which. Wiring only; what each node is told is in `options`."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration import metadata
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline
from tfx.utils import path_utils

from rankbeam.components.baseline.component import Baseline
from rankbeam.components.baseline.logic import baseline_key
from rankbeam.components.data_gate.component import DataGate
from rankbeam.components.evaluator.component import Evaluator
from rankbeam.components.evaluator.config import EXTRACTORS_MODULE, build_eval_config
from rankbeam.components.example_gen.component import example_gen
from rankbeam.components.infra_validator.component import InfraValidator
from rankbeam.components.parity.component import ParityCheck
from rankbeam.components.pusher.component import Pusher
from rankbeam.components.schema_contract.component import SchemaContract
from rankbeam.components.statistics_gen.component import StatisticsGen
from rankbeam.components.trainer.component import Trainer
from rankbeam.components.transform.component import Transform
from rankbeam.pipeline import options
from rankbeam.pipeline.beam.arguments import direct_arguments
from rankbeam.pipeline.beam.spec import DirectSpec
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.runners.observer import Artifacts

BEAM_ARGS = direct_arguments(DirectSpec())


def build_nodes(
    config: RankbeamConfig,
    base_dir: Path | str,
    destination: str | RuntimeParameter,
    span: int | None = None,
    *,
    examples_node: BaseNode | None = None,
    max_steps: RuntimeParameter | None = None,
) -> list[BaseNode]:
    """All nodes, wired, in topological order.

    Args:
        config: A valid config.
        base_dir: Folder that relative data paths start from.
        destination: Folder that models are pushed to.
        span: Span to read where the path has {SPAN}; the latest where None.
        examples_node: Node to read the data with instead of the local run's.
        max_steps: Largest number of training steps where it is known only when a run starts.
    """
    if examples_node is None:
        examples_node = example_gen(options.example_gen_spec(config), str(base_dir), span)
    examples = examples_node.outputs["examples"]
    statistics_node = StatisticsGen(examples=examples)
    statistics = statistics_node.outputs["statistics"]
    inferred = _schema_node(config, base_dir, statistics)
    contract = SchemaContract(
        schema=inferred.outputs["schema"], options=options.schema_contract_options(config)
    )
    schema = contract.outputs["schema"]
    validator = ExampleValidator(statistics=statistics, schema=schema)
    gate = DataGate(
        examples=examples,
        statistics=statistics,
        schema=schema,
        anomalies=validator.outputs["anomalies"],
        options=options.data_gate_options(config),
    )
    transform = Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn="rankbeam.transform.preprocessing.preprocessing_fn",
        options={"rankbeam": options.transform_options(config).model_dump_json()},
    )
    # No artifact flows from the gate: this edge is what keeps Transform from starting early.
    transform.add_upstream_node(gate)
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        run_fn="rankbeam.trainer.run_fn.run_fn",
        options=options.trainer_options_without_steps(config).model_dump_json(),
        max_steps=(config.training.max_steps or 0) if max_steps is None else max_steps,
    )
    model = trainer.outputs["model"]
    baseline = Baseline(model=model, destination=destination)
    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["baseline"],
        eval_config=build_eval_config(config.evaluation, config.evaluated_outputs),
        example_splits=["eval"],
        schema=schema,
        module_path=EXTRACTORS_MODULE,
    )
    infra = InfraValidator(model=model, examples=examples, options=config.serving.validation)
    parity = ParityCheck(
        examples=examples,
        model=model,
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        options=config.serving.parity,
    )
    pusher = Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra.outputs["blessing"],
        parity=parity.outputs["certificate"],
        spec=config.push,
        destination=destination,
        model_name=config.model_name,
    )
    return [
        examples_node,
        statistics_node,
        inferred,
        contract,
        validator,
        gate,
        transform,
        trainer,
        baseline,
        evaluator,
        infra,
        parity,
        pusher,
    ]


def baseline_salt(destination: str) -> Callable[[Mapping[str, Artifacts]], str]:
    """What the Baseline's cached result depends on: the pushed version that it would find now.

    The destination itself would not do: a run's own push changes it, and the same run again must
    find everything cached.
    """

    def salt(made: Mapping[str, Artifacts]) -> str:
        [model] = made["Trainer"]["model"]
        return baseline_key(destination, path_utils.serving_model_path(model.uri))

    return salt


def _schema_node(config: RankbeamConfig, base_dir: Path | str, statistics: object) -> BaseNode:
    if config.data.schema_path is not None:
        return ImportSchemaGen(schema_file=_joined(str(base_dir), config.data.schema_path))
    # No fixed shape: a feature may be absent, in training as in serving.
    return SchemaGen(statistics=statistics, infer_feature_shape=False)


def _joined(base_dir: str, path: str) -> str:
    """`path` from `base_dir` on, unless it says itself where it starts; either may be a URI."""
    return path if "://" in path else os.path.join(base_dir, path)


def build_pipeline(
    config: RankbeamConfig,
    nodes: list[BaseNode],
    root: str,
    metadata_path: str,
    beam_args: Sequence[str] = BEAM_ARGS,
) -> Pipeline:
    """A TFX pipeline of `nodes` for a local run, with caching on.

    Args:
        config: The config that the nodes are of.
        nodes: In topological order.
        root: Folder of the artifacts.
        metadata_path: ML Metadata's file.
        beam_args: What Beam is told by every node; none where the nodes have their own.
    """
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=root,
        components=nodes,
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(metadata_path),
        beam_pipeline_args=list(beam_args),
    )
