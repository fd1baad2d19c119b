"""The draft as commented YAML, so that a newcomer learns the format by reading it."""

import os
from pathlib import Path

from rankbeam.pipeline.init.draft import Draft
from rankbeam.pipeline.init.labels import Label
from rankbeam.pipeline.init.yaml_text import comment, line, scalar, section, wrapped

_SMALL_ROWS = 20_000


def render(draft: Draft, base_dir: Path | None) -> str:
    """The text of the config.

    Args:
        draft: What to say.
        base_dir: The config's folder; data below it are named relative to it.
    """
    lines = [
        *_head(draft),
        *_data(draft, base_dir),
        *_features(draft),
        *_tasks(draft),
        *_model(draft),
        *_training(draft),
        *_evaluation(draft),
        *_gates(),
        *_serving(draft),
    ]
    return "\n".join(lines) + "\n"


def _head(draft: Draft) -> list[str]:
    rows = f"{draft.sample.table.num_rows:,} rows"
    looked = f"all {rows}" if draft.sample.complete else f"the first {rows}"
    return [
        comment(f"Written by `rankbeam init` after a look at {looked}. It is a start: read it."),
        comment("`rankbeam config check FILE` shows every default; `rankbeam run FILE` runs it."),
        "",
        line("name", draft.name, "names the outputs and the served model"),
    ]


def _data(draft: Draft, base_dir: Path | None) -> list[str]:
    return section(
        "data",
        ["Where the impressions are, and how they are split."],
        [*_source(draft, base_dir), *_split(draft), *_derive(draft)],
    )


def _source(draft: Draft, base_dir: Path | None) -> list[str]:
    files = draft.sample.files
    notes = {
        "delimiter": "between values",
        "column_names": "the file has no header line; give the columns better names",
        "strip_whitespace": "blanks stand around values",
        "null_values": "what stands for a missing value",
        "list_separator": "parts the values of multivalent columns",
    }
    return [
        "  source:",
        line("kind", files.kind, "csv, parquet, avro or tfrecord", 4),
        line(
            "path",
            _relative(files.path, base_dir),
            "file, folder or glob; relative to this file's folder, or to --data",
            4,
        ),
        *(
            each
            for key, value in draft.sample.settings.items()
            for each in wrapped(key, value, notes[key], 4)
        ),
    ]


def _relative(path: str, base_dir: Path | None) -> str:
    """`path` relative to `base_dir` where it is below it, else as it is."""
    if base_dir is None:
        return path
    slash = "/" if path.endswith("/") else ""
    relative = os.path.relpath(path, base_dir.absolute())
    return path if relative.startswith("..") else relative + slash


def _split(draft: Draft) -> list[str]:
    kinds = "entity_hash, time, folders or row_hash"
    settings = dict(draft.split.settings)
    first = line("kind", settings.pop("kind"), f"{draft.split.reason}; or {kinds}", 4)
    return ["  split:", first, *(line(key, value, "", 4) for key, value in settings.items())]


def _derive(draft: Draft) -> list[str]:
    derived = [label for label in draft.labels if label.source is not None]
    if not derived:
        return []
    return [
        "  derive:",
        comment("0/1 columns made from others: 1 where the value is one of is_in.", 4),
        *(
            line(label.column, {"source": label.source, "is_in": list(label.is_in)}, "", 4)
            for label in derived
        ),
    ]


def _features(draft: Draft) -> list[str]:
    notes = [
        "What the model sees of an impression; any feature may be missing from a row.",
        "kind: id or categorical (one value, embedded), multivalent (a list of values, embedded",
        "and pooled) or numeric (scaling: z_score, log, quantile_buckets or none).",
        "A categorical feature with `domain: [a, b]` stops the run at any other value.",
    ]
    lines = []
    for name, decision in draft.features.items():
        column = {} if name == decision.column else {"column": decision.column}
        lines.append(line(name, {**decision.settings, **column}, decision.reason, 2))
    if draft.left_out:
        lines.append(comment("Left out:", 2))
    lines += [comment(f"  {scalar(each.column)}: {each.reason}", 2) for each in draft.left_out]
    return section("features", notes, lines)


def _tasks(draft: Draft) -> list[str]:
    notes = [
        "What is predicted: outcomes of an impression, 0 or 1 in every row.",
        "`given: other` makes a funnel: the task's own probability is then P(task | other), and",
        "the model also answers the joint one. `role: auxiliary` trains along but is not served.",
    ]
    lines = []
    for label in draft.labels:
        settings = {"label": label.column}
        if label.given is not None:
            settings["given"] = label.given
        lines.append(line(label.task, settings, _task_note(label), 2))
    return section("tasks", notes, lines)


def _task_note(label: Label) -> str:
    rows = "rows" if label.source is None else f"rows ({label.source} is {label.is_in[0]})"
    note = f"1 in {label.positives:,} {rows}, {100 * label.rate:.2f} %"
    if label.given is not None:
        note += f"; never without {label.given}"
    return f"CHECK THIS: only a guess. {note}" if label.guessed else note


def _model(draft: Draft) -> list[str]:
    funnel = any(label.given is not None for label in draft.labels)
    many = len(draft.labels) > 1
    sharing = (
        {"kind": "mmoe", "experts": 4, "hidden": [128]}
        if many
        else {"kind": "shared_bottom", "hidden": [128]}
    )
    structure = "esmm learns P(task | other) through the joint, over all rows; or independent"
    alone = "esmm is for tasks with `given`"
    return section(
        "model",
        ["The model is a composition of choices; each one can be changed alone."],
        [
            line("encoder", {"embedding_dim": 16}, "features to vectors", 2),
            line("interaction", {"kind": "none"}, "or {kind: dcn, layers: 2}", 2),
            line("sharing", sharing, "shared_bottom, mmoe or ple", 2),
            line(
                "structure",
                {"kind": "esmm" if funnel else "independent"},
                structure if funnel else alone,
                2,
            ),
            line("towers", {"hidden": [64]}, "one network per task, above the sharing", 2),
        ],
    )


def _training(draft: Draft) -> list[str]:
    small = draft.sample.complete and draft.sample.table.num_rows < _SMALL_ROWS
    return section(
        "training",
        [],
        [
            line("batch_size", 256 if small else 1024, "", 2),
            line("epochs", 5 if small else 2, "passes over the train split", 2),
            line("optimizer", {"kind": "adam", "learning_rate": 0.001}, "", 2),
        ],
    )


def _evaluation(draft: Draft) -> list[str]:
    gates = [
        f"    - {scalar({'output': label.task, 'metric': 'auc', 'min': 0.5})}"
        for label in draft.labels
        if label.given is None
    ]
    slices = [[column] for column in draft.slices]
    listed = ", ".join(scalar(each) for each in slices)
    return section(
        "evaluation",
        ["How the model is judged on the eval split, over all rows and in slices."],
        [
            f"  slices: [{listed}]  # columns; two in one list give a cross, as [[a, b]]",
            "  gates:  # a model that fails one is not pushed; 0.5 is chance, so raise it",
            *gates,
            comment("Against the last model that passed:", 4),
            comment(
                f"- {scalar({'output': draft.labels[0].task, 'metric': 'auc', 'max_worse': 0.01})}",
                4,
            ),
        ],
    )


def _gates() -> list[str]:
    return section(
        "gates",
        ["What stops the run before training."],
        [
            "  data:",
            line("max_funnel_violations", 0, "rows with a task but not the one it is given", 4),
            line("allow_anomalies", [], "columns that may break the schema", 4),
        ],
    )


def _serving(draft: Draft) -> list[str]:
    return [
        *section("serving", [], [line("model_name", draft.name, "what clients ask for", 2)]),
        *section(
            "push",
            [],
            [line("destination", "pushed", "folder of versions, below the run's output", 2)],
        ),
    ]
