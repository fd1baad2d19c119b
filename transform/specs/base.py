"""The pydantic base of every section of the config."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A frozen model that rejects unknown keys; sections nest and compare by value."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
