"""A DAG of four nodes: stand-ins for Trainer, Evaluator and Pusher around the real Baseline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Model, PushedModel, String

from rankbeam.components.baseline.component import Baseline
from rankbeam.components.baseline.note import read_note
from rankbeam.components.pusher.publish import publish
from rankbeam.pipeline.dag import baseline_salt
from rankbeam.pipeline.runners.local import LocalRunner
from rankbeam.pipeline.runners.observer import NodeResult
from rankbeam.serving.content import PushRecord


class TrainExecutor(base_executor.BaseExecutor):
    """Writes a file where the Trainer puts its SavedModel."""

    def Do(  # noqa: N802
        self,
        input_dict: Mapping[str, list[Any]],
        output_dict: Mapping[str, list[Any]],
        exec_properties: Mapping[str, Any],
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


class Trainer(base_component.BaseComponent):
    """Another `version` makes another model; the same one comes from the cache."""

    SPEC_CLASS = TrainSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TrainExecutor)

    def __init__(self, version: int) -> None:
        super().__init__(TrainSpec(version=version, model=Channel(type=Model)))


@component
def Evaluate(  # noqa: N802 - TFX names nodes like classes
    baseline: InputArtifact[Model], compared: OutputArtifact[String]
) -> None:
    """Notes which version it was to compare with."""
    record = read_note(baseline.uri)
    compared.value = "nothing" if record is None else str(record.version)


@component
def Push(  # noqa: N802
    model: InputArtifact[Model],
    compared: InputArtifact[String],
    destination: Parameter[str],
    pushed: OutputArtifact[PushedModel],
) -> None:
    """Publishes as the Pusher does, after the evaluation."""
    text = (Path(model.uri) / "Format-Serving" / "saved_model.pb").read_text()
    Path(pushed.uri).mkdir(parents=True, exist_ok=True)

    def fill(folder: Path) -> None:
        folder.mkdir()
        (folder / "saved_model.pb").write_text(text)

    record = PushRecord("ads", 0, "", "2026-01-02T03:04:05+00:00", "blessed", "blessed", "blessed")
    publish(Path(destination), fill, record)


class Listener:
    """How each node ended, and what the evaluation compared with."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.compared = ""

    def started(self, node: str) -> None:
        """Nothing to note."""

    def ended(self, result: NodeResult) -> None:
        """Note how it ended."""
        self.states[result.node] = result.state
        if result.node == "Evaluate":
            self.compared = Path(result.outputs["compared"][0].uri).read_text()


def run_dag(folder: Path, version: int) -> Listener:
    """One run, with the cache on, in the MLMD store of `folder`."""
    destination = str(folder / "pushed")
    train = Trainer(version)
    baseline = Baseline(train.outputs["model"], destination)
    evaluate = Evaluate(baseline=baseline.outputs["baseline"])
    push = Push(
        model=train.outputs["model"], compared=evaluate.outputs["compared"], destination=destination
    )
    listener = Listener()
    pipeline = Pipeline(
        pipeline_name="baseline",
        pipeline_root=str(folder / "root"),
        components=[train, baseline, evaluate, push],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
    )
    LocalRunner(listener, {"Baseline": baseline_salt(destination)}).run(pipeline)
    return listener
