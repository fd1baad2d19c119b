"""A DAG of three nodes: stand-ins for Trainer and Evaluator around the real Resolver."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.orchestration.pipeline import Pipeline
from tfx.types import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Model, ModelBlessing

from rankbeam.components.evaluator.baseline import LatestBlessedOtherModel

Artifacts = Mapping[str, list[Any]]


class TrainExecutor(base_executor.BaseExecutor):
    """Writes a file where the Trainer puts its SavedModel."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Mapping[str, Any]
    ) -> None:
        """Writes it."""
        folder = Path(output_dict["model"][0].uri) / "Format-Serving"
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_text(str(exec_properties["version"]))


class TrainSpec(ComponentSpec):
    """A number in, a model out."""

    PARAMETERS: ClassVar = {"version": ExecutionParameter(type=int)}
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {"model": ChannelParameter(type=Model)}


class Train(base_component.BaseComponent):
    """Another `version` makes another model; the same one comes from the cache."""

    SPEC_CLASS = TrainSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TrainExecutor)

    def __init__(self, version: int) -> None:
        super().__init__(TrainSpec(version=version, model=Channel(type=Model)))


class BlessExecutor(base_executor.BaseExecutor):
    """Blesses as the Evaluator's executor does, and notes what it was to compare with."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Mapping[str, Any]
    ) -> None:
        """Blesses."""
        (blessing,) = output_dict["blessing"]
        baseline = input_dict.get("baseline_model", [])
        blessing.set_int_custom_property("blessed", 1)
        blessing.set_int_custom_property("current_model_id", input_dict["model"][0].id)
        blessing.set_int_custom_property("baseline_model_id", baseline[0].id if baseline else 0)


class BlessSpec(ComponentSpec):
    """The Evaluator's channels that matter here."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {}
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=Model),
        "baseline_model": ChannelParameter(type=Model, optional=True),
    }
    OUTPUTS: ClassVar = {"blessing": ChannelParameter(type=ModelBlessing)}


class Bless(base_component.BaseComponent):
    """Blesses every model."""

    SPEC_CLASS = BlessSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(BlessExecutor)

    def __init__(self, model: BaseChannel, baseline_model: BaseChannel) -> None:
        blessing = Channel(type=ModelBlessing)
        super().__init__(BlessSpec(model=model, baseline_model=baseline_model, blessing=blessing))


def run_dag(folder: Path, version: int) -> None:
    """One run, with the cache on, in the MLMD store of `folder`."""
    train = Train(version)
    baseline = tfx.dsl.Resolver(
        strategy_class=LatestBlessedOtherModel,
        candidate=train.outputs["model"],
        model=tfx.dsl.Channel(type=Model),
        model_blessing=tfx.dsl.Channel(type=ModelBlessing),
    ).with_id("Baseline")
    bless = Bless(train.outputs["model"], baseline.outputs["model"])
    pipeline = Pipeline(
        pipeline_name="baseline",
        pipeline_root=str(folder / "root"),
        components=[train, baseline, bless],
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)
