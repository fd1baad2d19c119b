"""The Trainer's entry point, on the output of the real transform."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rankbeam.trainer.run_fn import HISTORY_FILE, run_fn
from rankbeam.trainer.specs import TrainerOptions
from rankbeam.transform.errors import DataError
from tests.trainer.conftest import OPTIONS, Trained

Prepared = Callable[[str], Trained]


def _files(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_run_fn_writes_the_losses_of_each_epoch(trained: Trained) -> None:
    path = Path(trained.arguments.model_run_dir) / HISTORY_FILE
    history = json.loads(path.read_text())
    assert history["rows"] == {"train": 240, "eval": 60}
    assert [epoch["steps"] for epoch in history["epochs"]] == [4, 4]
    assert history["kept_epoch"] == 2
    assert history["parameters"] > 0


def test_run_fn_writes_the_same_bytes_from_the_same_data(
    trained: Trained, prepared: Prepared
) -> None:
    # The process has traced other functions in between, as a resumed run would have.
    again = prepared("again").arguments
    run_fn(again)
    first, second = (
        _files(arguments.serving_model_dir) for arguments in (trained.arguments, again)
    )
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_run_fn_writes_another_model_from_another_seed(
    trained: Trained, prepared: Prepared
) -> None:
    other = prepared("seed").arguments
    options = TrainerOptions.model_validate(OPTIONS | {"training": {"seed": 8, "epochs": 1}})
    other.custom_config["rankbeam"] = options.model_dump_json()
    run_fn(other)
    first, second = (
        _files(arguments.serving_model_dir) for arguments in (trained.arguments, other)
    )
    weights = "variables/variables.data-00000-of-00001"
    assert first[weights] != second[weights]


def test_run_fn_takes_the_steps_that_the_node_is_told(prepared: Prepared) -> None:
    short = prepared("short").arguments
    options = TrainerOptions.model_validate(OPTIONS | {"training": {"max_steps": 6}})
    short.custom_config["rankbeam"] = options.model_dump_json()
    short.train_steps = 1
    run_fn(short)
    history = json.loads((Path(short.model_run_dir) / HISTORY_FILE).read_text())
    assert [epoch["steps"] for epoch in history["epochs"]] == [1]


def test_run_fn_refuses_an_empty_split_and_exports_nothing(
    prepared: Prepared, tmp_path: Path
) -> None:
    arguments = prepared("empty").arguments
    arguments.eval_files = [str(tmp_path / "*")]
    with pytest.raises(DataError, match="split eval must hold at least one row; got 0"):
        run_fn(arguments)
    assert not Path(arguments.serving_model_dir).exists()
