"""Rules that hold between sections of the config."""

from collections.abc import Iterator
from dataclasses import dataclass

from rankbeam.pipeline.config.document import Place
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.transform.specs.features import NumericFeature, column_of
from rankbeam.transform.specs.options import indicator_name


@dataclass(frozen=True)
class Breach:
    """A broken rule: the place to look at, and the message without its line."""

    place: Place
    message: str


def breaches(config: RankbeamConfig) -> Iterator[Breach]:
    """Every cross-section rule that `config` breaks."""
    yield from _one_feature_per_column(config)
    yield from _transformed_names_are_unique(config)
    yield from _tasks_form_a_funnel(config)
    yield from _no_feature_is_an_outcome(config)
    yield from _structure_fits_tasks(config)
    yield from _derived_labels_are_used(config)


def _one_feature_per_column(config: RankbeamConfig) -> Iterator[Breach]:
    owner: dict[str, str] = {}
    for name, feature in config.features.items():
        column = column_of(name, feature)
        if column in owner:
            yield Breach(
                ("features", name),
                f"features.{name}.column must be read by one feature only; got {column}, which "
                f"features.{owner[column]} reads already",
            )
        owner.setdefault(column, name)


def _tasks_form_a_funnel(config: RankbeamConfig) -> Iterator[Breach]:
    try:
        config.funnel  # noqa: B018 - building it checks it
    except ValueError as error:
        yield Breach(("tasks",), str(error))


def _no_feature_is_an_outcome(config: RankbeamConfig) -> Iterator[Breach]:
    labels = {task.label: f"tasks.{name}.label" for name, task in config.tasks.items()}
    derived = {name: f"data.derive.{name}" for name in config.data.derive}
    sources = {d.source: f"data.derive.{name}" for name, d in config.data.derive.items()}
    for name, feature in config.features.items():
        column = column_of(name, feature)
        user = labels.get(column) or derived.get(column) or sources.get(column)
        if user is not None:
            yield Breach(
                ("features", name),
                f"features.{name} must not read an outcome; got column {column}, which {user} uses",
            )
        elif name in labels:
            yield Breach(
                ("features", name),
                f"features.{name} must not bear the name of a label; {labels[name]} is {name}",
            )


def _structure_fits_tasks(config: RankbeamConfig) -> Iterator[Breach]:
    conditional = any(task.given is not None for task in config.tasks.values())
    if config.model.structure.kind == "esmm" and not conditional:
        yield Breach(
            ("model", "structure"),
            "model.structure.kind must be independent where no task has given; got esmm",
        )


def _derived_labels_are_used(config: RankbeamConfig) -> Iterator[Breach]:
    used = {task.label for task in config.tasks.values()}
    used |= {column for cross in config.evaluation.slices for column in cross}
    used |= set(config.data.keep)
    for name in config.data.derive:
        if name not in used:
            yield Breach(
                ("data", "derive", name),
                f"data.derive.{name} must be used by a task's label, a slice or data.keep; "
                "got no use",
            )


def _transformed_names_are_unique(config: RankbeamConfig) -> Iterator[Breach]:
    for name, feature in config.features.items():
        if not isinstance(feature, NumericFeature) or not feature.missing_indicator:
            continue
        indicator = indicator_name(name)
        labels = {task.label for task in config.tasks.values()}
        if indicator in config.features or indicator in labels:
            yield Breach(
                ("features", name, "missing_indicator"),
                f"features.{name}.missing_indicator must add an input of its own; got "
                f"{indicator}, which is a feature or label already",
            )
