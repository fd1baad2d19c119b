"""The taxi template's DAG for a Rankbeam config, on TFX's own local runner.

Run: `python -m benchmarks.vanilla.pipeline --config FILE --csv FOLDER --rows JSON --output FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from tfx import v1 as tfx

from benchmarks.vanilla import evaluation, preprocessing, training
from rankbeam.components.infra_validator.component import InfraValidator
from rankbeam.pipeline import options
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig


def create_pipeline(
    config: RankbeamConfig, csv: Path, rows: Mapping[str, int], output: Path
) -> tfx.dsl.Pipeline:
    """The pipeline.

    Args:
        config: What to train and how to judge it.
        csv: Folder with the folders `train` and `eval`.
        rows: Number of rows of each.
        output: Folder for all outputs.
    """
    example_gen = tfx.components.CsvExampleGen(
        input_base=str(csv),
        input_config=tfx.proto.Input(
            splits=[tfx.proto.Input.Split(name=name, pattern=f"{name}/*") for name in rows]
        ),
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.SchemaGen(statistics=statistics_gen.outputs["statistics"])
    schema = schema_gen.outputs["schema"]
    example_validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema
    )
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=f"{preprocessing.__name__}.preprocessing_fn",
        custom_config={
            preprocessing.CONFIG_KEY: options.transform_options(config).model_dump_json()
        },
    )
    batch_size = config.training.batch_size
    trainer = tfx.components.Trainer(
        run_fn=f"{training.__name__}.run_fn",
        examples=transform.outputs["transformed_examples"],
        schema=schema,
        transform_graph=transform.outputs["transform_graph"],
        train_args=tfx.proto.TrainArgs(num_steps=training.steps(rows["train"], batch_size)),
        eval_args=tfx.proto.EvalArgs(num_steps=training.steps(rows["eval"], batch_size)),
        custom_config={training.CONFIG_KEY: options.trainer_options(config).model_dump_json()},
    )
    model = trainer.outputs["model"]
    resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = tfx.components.Evaluator(
        examples=examples,
        model=model,
        baseline_model=resolver.outputs["model"],
        eval_config=evaluation.build_eval_config(config.evaluation, config.evaluated_outputs),
    )
    infra_validator = InfraValidator(
        model=model, examples=examples, options=config.serving.validation
    )
    pusher = tfx.components.Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_validator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(output / "serving"))
        ),
    )
    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(output / "artifacts"),
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            example_validator,
            transform,
            trainer,
            resolver,
            evaluator,
            infra_validator,
            pusher,
        ],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(output / "metadata.sqlite")
        ),
    )


def main() -> None:
    """Runs the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--rows", type=json.loads, required=True, help="rows of each split")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    config = load_config(arguments.config).config
    pipeline = create_pipeline(config, arguments.csv, arguments.rows, arguments.output)
    tfx.orchestration.LocalDagRunner().run(pipeline)


if __name__ == "__main__":
    logging.getLogger("absl").setLevel(logging.INFO)
    main()
