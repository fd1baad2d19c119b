"""A starter config before it is text: what to write, and what to say about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rankbeam.pipeline.init.columns import Column, columns_of
from rankbeam.pipeline.init.features import Decision, decide
from rankbeam.pipeline.init.files import DataFiles, find_files
from rankbeam.pipeline.init.labels import Label, find_labels
from rankbeam.pipeline.init.leaks import leak
from rankbeam.pipeline.init.names import identifier, pipeline_name
from rankbeam.pipeline.init.sample import Sample, read_sample
from rankbeam.pipeline.init.splits import SplitChoice, choose_split
from rankbeam.transform.errors import DataError

_MOST_SLICE_VALUES = 10
_MOST_SLICES = 2
# Names of files and folders that say nothing about what the data are.
_UNTELLING = {"", "all", "data", "impressions", "log", "logs", "part", "raw", "test", "train"}


@dataclass(frozen=True)
class Draft:
    """All that the config says.

    Attributes:
        name: Of the pipeline.
        sample: What was looked at.
        split: How rows are split.
        labels: At least one, the most frequent first.
        features: Feature name to what it is; at least one.
        left_out: Columns that are no features, and why.
        slices: Columns to slice metrics by.
    """

    name: str
    sample: Sample
    split: SplitChoice
    labels: Sequence[Label]
    features: dict[str, Decision]
    left_out: Sequence[Decision]
    slices: Sequence[str]


def draft(data: Path) -> Draft:
    """Look at `data` and decide everything.

    Raises:
        DataError: The data cannot be read, or hold no label or no feature.
    """
    sample = read_sample(find_files(data))
    columns = columns_of(sample.table)
    _check_names(columns, sample.files)
    labels = find_labels(columns)
    outcomes = {label.source or label.column for label in labels}
    inputs = [column for column in columns if column.name not in outcomes]
    leaks = {column.name: why for column in inputs if (why := leak(column, labels)) is not None}
    candidates = [column for column in inputs if column.name not in leaks and column.name]
    split = choose_split(candidates, sample.files.folders)
    spent = {**leaks, **split.spent}
    decisions = [
        Decision(column.name, spent[column.name])
        if column.name in spent
        else decide(column, sample.complete)
        for column in inputs
    ]
    features = _named([each for each in decisions if each.is_feature], labels)
    if not features:
        raise DataError(f"data must have a column to learn from; got none in {data}")
    return Draft(
        name=_name(sample.files),
        sample=sample,
        split=split,
        labels=labels,
        features=features,
        left_out=[each for each in decisions if not each.is_feature],
        slices=_slices(columns, features),
    )


def _check_names(columns: Sequence[Column], files: DataFiles) -> None:
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"column names must differ; got {twice[0]!r} twice in {files.files[0]}")


def _named(decisions: Sequence[Decision], labels: Sequence[Label]) -> dict[str, Decision]:
    taken = {label.column for label in labels}
    named: dict[str, Decision] = {}
    for decision in decisions:
        name = identifier(decision.column, taken)
        taken.add(name)
        named[name] = decision
    return named


def _name(files: DataFiles) -> str:
    """The file's name, or where it says nothing that of the nearest folder whose name does."""
    first = files.files[0]
    names = [folder.name for folder in first.parents if folder.name]
    if len(files.files) == 1:
        names = [first.name.split(".")[0], *names]
    telling = [name for name in names if name.rstrip("0123456789-_").lower() not in _UNTELLING]
    return pipeline_name(telling[0] if telling else "starter")


def _slices(columns: Sequence[Column], features: dict[str, Decision]) -> list[str]:
    categorical = {
        decision.column
        for decision in features.values()
        if decision.settings["kind"] == "categorical"
    }
    few = [
        column.name
        for column in columns
        if column.name in categorical and column.distinct <= _MOST_SLICE_VALUES
    ]
    return few[:_MOST_SLICES]
