"""Model and training specs: four small choices (encoder, interaction, sharing, structure)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rankbeam.transform.funnel import Funnel
from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.options import TransformOptions
from rankbeam.transform.specs.tasks import TaskSpecs

PositiveInt = Annotated[int, Field(ge=1)]
Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class EncoderSpec(StrictModel):
    """Features to vectors."""

    embedding_dim: PositiveInt = Field(default=16, description="Default embedding width.")
    embedding_init: Literal["fixed", "table_size"] = Field(
        default="fixed",
        description=(
            "Range of the uniform start: fixed is ±0.05; table_size is ±1/√rows, so that values of "
            "a small table start far apart, ready to be crossed, and ids start near 0."
        ),
    )
    embedding_l2: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="L2 penalty on the embeddings that a batch looks up."
    )
    dropout: Rate = Field(default=0.0, description="Dropout on the concatenated vector.")


class NoInteraction(StrictModel):
    """The encoder's vector goes on as it is."""

    kind: Literal["none"] = "none"


class DcnInteraction(StrictModel):
    """Deep & Cross Network v2 (Wang et al., 2021)."""

    kind: Literal["dcn"]
    layers: PositiveInt = Field(default=2, description="Number of cross layers.")
    form: Literal["full", "low_rank", "mixture"] = Field(
        default="full", description="Cross weight: full matrix, U V^T, or a gated mixture of them."
    )
    rank: PositiveInt | None = Field(
        default=None, description="Rank of U and V; for low_rank and mixture (16 where unset)."
    )
    experts: PositiveInt | None = Field(
        default=None, description="Number of low-rank experts; for mixture (4 where unset)."
    )
    combine: Literal["stacked", "parallel"] = Field(
        default="stacked", description="Deep network after the cross layers, or beside them."
    )
    deep: tuple[PositiveInt, ...] = Field(
        default=(), description="Widths of the deep network; empty for cross layers alone."
    )
    dropout: Rate = Field(default=0.0, description="Dropout after each deep layer.")

    @model_validator(mode="after")
    def _form_has_its_options(self) -> "DcnInteraction":
        if self.form == "full" and self.rank is not None:
            raise ValueError(f"rank needs form low_rank or mixture; got full with {self.rank}")
        if self.form != "mixture" and self.experts is not None:
            raise ValueError(f"experts needs form mixture; got {self.form} with {self.experts}")
        if self.combine == "parallel" and not self.deep:
            raise ValueError("combine parallel needs deep widths; got none")
        return self

    @property
    def low_rank(self) -> int:
        """Rank of U and V in the low-rank forms (16 where unset)."""
        return self.rank if self.rank is not None else 16

    @property
    def expert_count(self) -> int:
        """Number of low-rank experts of the mixture (4 where unset)."""
        return self.experts if self.experts is not None else 4


class SharedBottom(StrictModel):
    """One network shared by all tasks (Caruana, 1997)."""

    kind: Literal["shared_bottom"] = "shared_bottom"
    hidden: tuple[PositiveInt, ...] = Field(default=(128,), description="Widths; may be empty.")
    dropout: Rate = 0.0


class MmoeSharing(StrictModel):
    """Multi-gate mixture of experts (Ma et al., 2018)."""

    kind: Literal["mmoe"]
    experts: PositiveInt = Field(default=4, description="Number of experts.")
    hidden: Widths = Field(default=(128,), description="Widths of each expert.")
    dropout: Rate = 0.0
    gate_dropout: Rate = Field(default=0.0, description="Dropout on gate probabilities.")


class PleSharing(StrictModel):
    """Progressive layered extraction (Tang et al., 2020)."""

    kind: Literal["ple"]
    levels: PositiveInt = Field(default=1, description="Extraction levels; one is CGC.")
    shared_experts: PositiveInt = Field(default=2, description="Shared experts of each level.")
    task_experts: PositiveInt = Field(default=2, description="Own experts of each task and level.")
    hidden: Widths = Field(default=(128,), description="Widths of each expert.")
    dropout: Rate = 0.0


class StructureSpec(StrictModel):
    """How task probabilities relate along the funnel."""

    kind: Literal["independent", "esmm"] = Field(
        default="independent",
        description=(
            "independent: a conditional task learns from rows whose condition holds; esmm: it "
            "learns through the joint probability over all impressions (Ma et al., 2018)."
        ),
    )


class TowerSpec(StrictModel):
    """The task towers above the sharing."""

    hidden: tuple[PositiveInt, ...] = Field(default=(64,), description="Widths; may be empty.")
    dropout: Rate = 0.0


Interaction = Annotated[NoInteraction | DcnInteraction, Field(discriminator="kind")]
Sharing = Annotated[SharedBottom | MmoeSharing | PleSharing, Field(discriminator="kind")]


class ModelSpec(StrictModel):
    """One model as the composition of its choices."""

    encoder: EncoderSpec = EncoderSpec()
    interaction: Interaction = NoInteraction()
    sharing: Sharing = SharedBottom()
    structure: StructureSpec = StructureSpec()
    towers: TowerSpec = TowerSpec()


class OptimizerSpec(StrictModel):
    """How weights are updated."""

    kind: Literal["adam", "adagrad", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    decay: Literal["none", "cosine"] = Field(
        default="none", description="cosine: to zero over all training steps."
    )
    clip_norm: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Clip the gradients' global norm."
    )


class EarlyStoppingSpec(StrictModel):
    """Stop when the evaluation loss no longer falls; the best epoch's weights are kept."""

    patience_epochs: PositiveInt = 1
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class TrainingSpec(StrictModel):
    """How the model is fitted."""

    batch_size: PositiveInt = 1024
    epochs: PositiveInt = 2
    max_steps: PositiveInt | None = Field(
        default=None, description="Stop after this many steps even inside an epoch."
    )
    optimizer: OptimizerSpec = OptimizerSpec()
    early_stopping: EarlyStoppingSpec | None = None
    seed: Annotated[int, Field(ge=0)] = 7


class TrainerOptions(StrictModel):
    """What `run_fn` is told: the config's sections that shape a model, as one JSON."""

    transform: TransformOptions
    tasks: TaskSpecs
    model: ModelSpec = ModelSpec()
    training: TrainingSpec = TrainingSpec()

    @property
    def funnel(self) -> Funnel:
        """The tasks as a checked graph."""
        return Funnel(self.tasks)
