"""The DAG: which node feeds which. Wiring only; what each node is told is in `options`."""

from pathlib import Path

from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline

from rankbeam.components.data_gate.component import DataGate
from rankbeam.components.evaluator.baseline import LatestBlessedOtherModel
from rankbeam.components.evaluator.config import EXTRACTORS_MODULE, build_eval_config
from rankbeam.components.example_gen.component import example_gen
from rankbeam.components.infra_validator.component import InfraValidator
from rankbeam.components.parity.component import ParityCheck
from rankbeam.components.pusher.component import Pusher
from rankbeam.components.schema_contract.component import SchemaContract
from rankbeam.pipeline import options
from rankbeam.pipeline.config.schema import RankbeamConfig

BEAM_ARGS = ("--runner=DirectRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1")


def build_nodes(
    config: RankbeamConfig, base_dir: Path, destination: str, span: int | None = None
) -> list[BaseNode]:
    """All nodes, wired, in topological order.

    Args:
        config: A valid config.
        base_dir: Folder that relative data paths start from.
        destination: Folder that models are pushed to.
        span: Span to read where the path has {SPAN}; the latest where None.
    """
    examples_node = example_gen(options.example_gen_spec(config), str(base_dir), span)
    examples = examples_node.outputs["examples"]
    statistics_node = tfx.components.StatisticsGen(examples=examples)
    statistics = statistics_node.outputs["statistics"]
    inferred = _schema_node(config, base_dir, statistics)
    contract = SchemaContract(
        schema=inferred.outputs["schema"], options=options.schema_contract_options(config)
    )
    schema = contract.outputs["schema"]
    validator = tfx.components.ExampleValidator(statistics=statistics, schema=schema)
    gate = DataGate(
        examples=examples,
        statistics=statistics,
        schema=schema,
        anomalies=validator.outputs["anomalies"],
        options=options.data_gate_options(config),
    )
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn="rankbeam.transform.preprocessing.preprocessing_fn",
        custom_config={"rankbeam": options.transform_options(config).model_dump_json()},
        disable_statistics=True,
    )
    # No artifact flows from the gate: this edge is what keeps Transform from starting early.
    transform.add_upstream_node(gate)
    trainer = tfx.components.Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        run_fn="rankbeam.trainer.run_fn.run_fn",
        custom_config={"rankbeam": options.trainer_options(config).model_dump_json()},
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
    )
    model = trainer.outputs["model"]
    baseline = tfx.dsl.Resolver(
        strategy_class=LatestBlessedOtherModel,
        candidate=model,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("Baseline")
    evaluator = tfx.components.Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["model"],
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


def _schema_node(config: RankbeamConfig, base_dir: Path, statistics: object) -> BaseNode:
    if config.data.schema_path is not None:
        return tfx.components.ImportSchemaGen(schema_file=str(base_dir / config.data.schema_path))
    # No fixed shape: a feature may be absent, in training as in serving.
    return tfx.components.SchemaGen(statistics=statistics, infer_feature_shape=False)


def build_pipeline(
    config: RankbeamConfig, nodes: list[BaseNode], root: str, metadata_path: str
) -> Pipeline:
    """A TFX pipeline of `nodes` for a local run, with caching on."""
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=root,
        components=nodes,
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            metadata_path
        ),
        beam_pipeline_args=list(BEAM_ARGS),
    )
