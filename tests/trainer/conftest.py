"""One model, trained by `run_fn` on the output of the real transform, for all that look at it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.tf_metadata import metadata_io

from rankbeam.trainer.run_fn import run_fn
from rankbeam.trainer.specs import TrainerOptions
from tests.trainer.records import write_records
from tests.transform.running import Row, bound, run

TYPES = {
    "device": tf.string,
    "visitor id": tf.string,  # not a Python identifier
    "partner": tf.int64,
    "interests": tf.string,
    "age": tf.float32,
    "hour": tf.float32,
    "region": tf.string,  # in the schema, but no feature
    "click": tf.int64,
    "conversion": tf.int64,
}
OPTIONS = {
    "transform": {
        "features": {
            "device": {"kind": "categorical"},
            "visitor": {"kind": "id", "column": "visitor id", "hash_buckets": 16},
            "partner": {"kind": "categorical"},
            "interests": {"kind": "multivalent", "max_values": 2},
            "age": {"kind": "numeric", "missing_indicator": True},
            "hour": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 4},
        },
        "labels": ["click", "conversion"],
    },
    "tasks": {
        "click": {"label": "click"},
        "conversion": {"label": "conversion", "given": "click"},
    },
    "model": {
        "encoder": {"embedding_dim": 4},
        "interaction": {"kind": "dcn", "layers": 1},
        "sharing": {"kind": "mmoe", "experts": 2, "hidden": [8]},
        "structure": {"kind": "esmm"},
        "towers": {"hidden": [4]},
    },
    "training": {"batch_size": 64, "epochs": 2, "optimizer": {"learning_rate": 0.01}},
}
"""Plain options of one small model with every kind of feature."""


def raw_rows(count: int) -> list[Row]:
    """Impressions; about one value in seven is missing."""
    rng = np.random.default_rng(9)

    def maybe(value: Any) -> list[Any]:
        return [] if rng.random() < 1 / 7 else [value]

    rows: list[Row] = []
    for _ in range(count):
        click = int(rng.random() < 0.5)
        rows.append(
            {
                "device": maybe(rng.choice([b"phone", b"tablet", b"desktop"])),
                "visitor id": maybe(b"v%d" % rng.integers(40)),
                "partner": maybe(int(rng.integers(5))),
                "interests": [b"a", b"b", b"c"][: rng.integers(4)],
                "age": maybe(float(np.float32(rng.normal(40, 10)))),
                "hour": maybe(float(rng.integers(24))),
                "region": maybe(b"north"),
                "click": [click],
                "conversion": [click * int(rng.random() < 0.5)],
            }
        )
    return rows


@dataclass(frozen=True)
class Trained:
    """What a Trainer node reads and wrote.

    Attributes:
        arguments: Stands for TFX's FnArgs.
        rows: Raw impressions, as many as were transformed.
        matrices: The transformed columns of `rows`.
    """

    arguments: SimpleNamespace
    rows: list[Row]
    matrices: dict[str, Any]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """The transform's output and splits; call it with a name for arguments of an own run."""
    folder = tmp_path_factory.mktemp("prepared")
    options = TrainerOptions.model_validate(OPTIONS)
    rows = raw_rows(300)
    done = run(rows, TYPES, bound(options.transform), folder)
    metadata = tft.DatasetMetadata.from_feature_spec(done.raw_spec)
    metadata_io.write_metadata(metadata, f"{done.folder}/metadata")
    for name, chosen in (("train", slice(0, 240)), ("eval", slice(240, 300))):
        path = folder / name / "transformed_examples-00000-of-00001.gz"
        path.parent.mkdir()
        write_records(path, {column: values[chosen] for column, values in done.matrices.items()})

    def arguments(run_name: str) -> Trained:
        output: Path = folder / run_name
        return Trained(
            SimpleNamespace(
                transform_output=done.folder,
                train_files=[str(folder / "train" / "*")],
                eval_files=[str(folder / "eval" / "*")],
                train_steps=None,
                custom_config={"rankbeam": options.model_dump_json()},
                serving_model_dir=str(output / "Format-Serving"),
                model_run_dir=str(output / "model_run"),
            ),
            rows,
            done.matrices,
        )

    return arguments


@pytest.fixture(scope="session")
def trained(prepared: Callable[[str], Trained]) -> Trained:
    """A finished run."""
    result = prepared("trained")
    run_fn(result.arguments)
    return result
