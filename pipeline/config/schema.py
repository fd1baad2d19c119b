"""The whole config: one frozen model that composes the sections which each layer owns."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from rankbeam.components.data_gate.spec import DataGateSpec
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec
from rankbeam.components.example_gen.spec import DataSpec
from rankbeam.components.infra_validator.spec import InfraValidationSpec
from rankbeam.components.parity.spec import ParitySpec
from rankbeam.components.pusher.spec import PushSpec
from rankbeam.pipeline.beam.spec import BeamSpec
from rankbeam.pipeline.kubeflow.spec import KubeflowSpec
from rankbeam.serving.batching_spec import BatchingSpec
from rankbeam.serving.manifests.spec import DeploymentSpec
from rankbeam.serving.request_log.spec import RequestLogSpec
from rankbeam.trainer.specs import ModelSpec, TrainingSpec
from rankbeam.transform.funnel import Funnel
from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.features import Feature
from rankbeam.transform.specs.tasks import TaskSpec

# Names become directories, layers and tensor names, so they keep to what all three accept.
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
PipelineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class GatesSpec(StrictModel):
    """What stops a run before a model is trained."""

    data: DataGateSpec = DataGateSpec()


class ServingSpec(StrictModel):
    """How the pushed model is served, and how that is rehearsed before a push."""

    model_name: PipelineName | None = Field(
        default=None, description="Name that clients ask for; by default the pipeline's name."
    )
    validation: InfraValidationSpec = InfraValidationSpec()
    parity: ParitySpec = ParitySpec()
    batching: BatchingSpec | None = Field(
        default=None, description="Gathers small requests into batches; left out, it does not."
    )
    request_log: RequestLogSpec | None = Field(
        default=None, description="Logs sampled requests with their scores; left out, none."
    )
    deployment: DeploymentSpec = DeploymentSpec()


class RankbeamConfig(StrictModel):
    """One ranking pipeline, from a log of impressions to a served model."""

    name: PipelineName = Field(description="Names the pipeline, its outputs and its model.")
    data: DataSpec
    features: Annotated[Mapping[Identifier, Feature], Field(min_length=1)]
    tasks: Annotated[Mapping[Identifier, TaskSpec], Field(min_length=1)]
    model: ModelSpec = ModelSpec()
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    gates: GatesSpec = GatesSpec()
    serving: ServingSpec = ServingSpec()
    push: PushSpec = PushSpec()
    beam: BeamSpec = BeamSpec()
    kubeflow: KubeflowSpec = KubeflowSpec()

    @property
    def funnel(self) -> Funnel:
        """The task graph."""
        return Funnel(self.tasks)

    @property
    def model_name(self) -> str:
        """The name that clients ask for."""
        return self.serving.model_name if self.serving.model_name is not None else self.name

    @property
    def evaluated_outputs(self) -> tuple[EvaluatedOutput, ...]:
        """Model outputs with the labels and rows that they are measured on."""
        return tuple(
            EvaluatedOutput(name=out.name, label=out.label, given_label=out.given_label)
            for out in self.funnel.outputs
        )
