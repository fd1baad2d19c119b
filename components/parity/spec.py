"""Parity spec: what is asked of a model before its certificate is written."""

from typing import Annotated, Literal

from pydantic import Field

from rankbeam.transform.specs.base import StrictModel


class ParitySpec(StrictModel):
    """The config's `serving.parity` section."""

    num_examples: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=640, description="Examples asked, real ones and mutations of them together."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=20, description="Of the mutations; the same seed makes the same examples."
    )
    split: Literal["train", "eval"] = Field(
        default="eval", description="Split the real examples are taken from."
    )
    batch_size: Annotated[int, Field(ge=2, le=1000)] = Field(
        default=64, description="Examples in one request; each is also asked alone, in process."
    )
    signature: str = Field(
        default="serving_default",
        description="Signature of the scores; its one input takes serialized tf.Examples.",
    )
    server: Literal["auto", "tensorflow_model_server", "embedded"] = Field(
        default="auto",
        description="auto is tensorflow_model_server where that is on PATH, else Rankbeam's own.",
    )
    max_abs_difference: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=1e-5,
        description=(
            "Largest difference between two paths in one score. Transformed features have no such "
            "allowance: they must be equal to the last bit."
        ),
    )
    timeout_s: Annotated[float, Field(gt=0.0)] = Field(
        default=120.0, description="Seconds until the server must serve the model."
    )
    request_timeout_s: Annotated[float, Field(gt=0.0)] = Field(
        default=30.0, description="Seconds until each request must be answered."
    )
