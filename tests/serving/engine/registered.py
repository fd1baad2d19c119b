"""A registry of models, asked by ModelSpecs."""

from tensorflow_serving.apis import model_pb2

from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.settings.model import ModelSettings


def spec_of(name: str, version: int | None = None, label: str | None = None) -> model_pb2.ModelSpec:
    """A ModelSpec."""
    spec = model_pb2.ModelSpec(name=name)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def version_of(registry: ModelRegistry, spec: model_pb2.ModelSpec) -> int:
    """The version that answers for a ModelSpec."""
    with registry.use(spec) as servable:
        return servable.version


def states_of(registry: ModelRegistry, name: str) -> dict[int, str]:
    """Version -> state, of all that are known of a model."""
    return {row.version: row.state.name for row in registry.statuses(spec_of(name))}


def polled(*models: ModelSettings) -> ModelRegistry:
    """A registry that has loaded these models."""
    registry = ModelRegistry(models)
    registry.poll()
    return registry
