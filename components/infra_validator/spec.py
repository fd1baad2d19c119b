"""Infra validation spec: the rehearsal that a model passes before it is pushed."""

from typing import Annotated, Literal

from pydantic import Field

from rankbeam.transform.specs.base import StrictModel


class InfraValidationSpec(StrictModel):
    """The config's `serving.validation` section."""

    num_examples: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=64, description="Examples sent, each alone and all in one request."
    )
    split: Literal["train", "eval"] = Field(
        default="eval", description="Split the examples are taken from."
    )
    signature: str = Field(
        default="serving_default",
        description="Signature to ask; its one input takes serialized tf.Examples.",
    )
    server: Literal["auto", "tensorflow_model_server", "embedded"] = Field(
        default="auto",
        description="auto is tensorflow_model_server where that is on PATH, else Rankbeam's own.",
    )
    max_abs_difference: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=1e-5,
        description=(
            "Largest difference between a served and an in-process probability. float32 sums "
            "taken in another order, as another build or batch size does, move one by about 1e-6."
        ),
    )
    timeout_s: Annotated[float, Field(gt=0.0)] = Field(
        default=120.0, description="Seconds until the server must serve the model."
    )
    request_timeout_s: Annotated[float, Field(gt=0.0)] = Field(
        default=30.0, description="Seconds until each request must be answered."
    )
