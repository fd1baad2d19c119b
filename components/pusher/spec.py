"""Push spec: where a blessed model goes, and what it must have passed."""

from typing import Annotated

from pydantic import Field

from rankbeam.transform.specs.base import StrictModel


class PushSpec(StrictModel):
    """The config's `push` section."""

    destination: Annotated[str, Field(min_length=1)] = Field(
        default="pushed",
        description=(
            "Folder that gets one integer-named folder per version, as TensorFlow Serving reads "
            "it; a relative one starts at the run's output folder."
        ),
    )
    version: Annotated[int, Field(ge=1, lt=2**63)] | None = Field(
        default=None,
        description=(
            "Publish under this very number, which must be free or hold the same model; by default "
            "one more than the largest there; a model that is the newest already is not repeated."
        ),
    )
    require_model_blessing: bool = Field(
        default=True, description="false pushes whatever the Evaluator found."
    )
    require_infra_blessing: bool = Field(
        default=True, description="false pushes whatever the InfraValidator found."
    )
    require_parity: bool = Field(
        default=True, description="false pushes whatever the ParityCheck found."
    )


class PushOptions(StrictModel):
    """What the executor is told beside the destination, which may be set when a run starts."""

    push: PushSpec
    model_name: str = Field(description="Name that clients ask for, for the push record.")
