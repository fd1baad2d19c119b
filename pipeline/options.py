"""What each node is told, derived from the config; the only place that crosses sections."""

from rankbeam.components.data_gate.spec import DataGateOptions, FunnelEdge
from rankbeam.components.example_gen.spec import ColumnType, ExampleGenSpec
from rankbeam.components.schema_contract.spec import SchemaContractOptions
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.trainer.specs import TrainerOptions
from rankbeam.transform.specs.features import (
    CategoricalFeature,
    IdFeature,
    MultivalentFeature,
    NumericFeature,
    column_of,
)
from rankbeam.transform.specs.options import TransformOptions


def example_gen_spec(config: RankbeamConfig) -> ExampleGenSpec:
    """The data section with the columns that any later node reads."""
    types: dict[str, ColumnType | None] = {}
    for name, feature in config.features.items():
        numeric = isinstance(feature, NumericFeature)
        types[column_of(name, feature)] = "float" if numeric else "string"
    for label in config.funnel.labels:
        types[label] = "int"
    for column in _kept(config):
        types[column] = "int" if column in config.data.derive else None
    return ExampleGenSpec(data=config.data, columns=types, multivalent=_multivalent(config))


def transform_options(config: RankbeamConfig) -> TransformOptions:
    """Features and labels for `preprocessing_fn`."""
    return TransformOptions(features=config.features, labels=config.funnel.labels)


def trainer_options(config: RankbeamConfig) -> TrainerOptions:
    """All that `run_fn` needs."""
    return TrainerOptions(
        transform=transform_options(config),
        tasks=config.tasks,
        model=config.model,
        training=config.training,
    )


def trainer_options_without_steps(config: RankbeamConfig) -> TrainerOptions:
    """The same for a node that is told `training.max_steps` apart, when a run starts."""
    told = trainer_options(config)
    free = told.training.model_copy(update={"max_steps": None})
    return told.model_copy(update={"training": free})


def schema_contract_options(config: RankbeamConfig) -> SchemaContractOptions:
    """What the config promises about columns."""
    return SchemaContractOptions(
        labels=config.funnel.labels,
        features=feature_columns(config),
        numeric=tuple(
            column_of(name, feature)
            for name, feature in config.features.items()
            if isinstance(feature, NumericFeature)
        ),
        multivalent=_multivalent(config),
        domains=_domains(config),
        kept=_kept(config),
        curated=config.data.schema_path is not None,
    )


def data_gate_options(config: RankbeamConfig) -> DataGateOptions:
    """What must hold before Transform may start."""
    edges = tuple(
        FunnelEdge(label=task.label, given=config.tasks[task.given].label)
        for task in config.tasks.values()
        if task.given is not None
    )
    return DataGateOptions(
        gate=config.gates.data,
        labels=config.funnel.labels,
        funnel=edges,
        features=feature_columns(config),
        ids=tuple(
            column_of(name, feature)
            for name, feature in config.features.items()
            if isinstance(feature, IdFeature)
        ),
        domains=_domains(config),
    )


def feature_columns(config: RankbeamConfig) -> tuple[str, ...]:
    """Columns that features read, in the order written."""
    return tuple(column_of(name, feature) for name, feature in config.features.items())


def _kept(config: RankbeamConfig) -> tuple[str, ...]:
    """Columns that only slices or a person want."""
    sliced = [column for cross in config.evaluation.slices for column in cross]
    read = {*feature_columns(config), *config.funnel.labels}
    return tuple(dict.fromkeys(c for c in (*sliced, *config.data.keep) if c not in read))


def _domains(config: RankbeamConfig) -> dict[str, tuple[str, ...]]:
    """Columns with a closed set of values."""
    return {
        column_of(name, feature): feature.domain
        for name, feature in config.features.items()
        if isinstance(feature, CategoricalFeature) and feature.domain is not None
    }


def _multivalent(config: RankbeamConfig) -> tuple[str, ...]:
    return tuple(
        column_of(name, feature)
        for name, feature in config.features.items()
        if isinstance(feature, MultivalentFeature)
    )
