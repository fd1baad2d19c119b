"""How many steps the training function is told, by the real executor."""

from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import Channel, standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.trainer.component import Trainer
from rankbeam.components.trainer.executor import Executor
from rankbeam.transform.errors import ConfigError


def write_steps(fn_args: Any) -> None:
    """A training function that notes what it was told."""
    folder = Path(fn_args.serving_model_dir)
    folder.mkdir(parents=True)
    (folder / "told").write_text(f"{fn_args.train_steps} {fn_args.custom_config}")


def _properties(max_steps: int) -> dict[str, Any]:
    node = Trainer(
        examples=Channel(type=standard_artifacts.Examples),
        transform_graph=Channel(type=standard_artifacts.TransformGraph),
        schema=Channel(type=standard_artifacts.Schema),
        run_fn=f"{__name__}.write_steps",
        options='{"a": 1}',
        max_steps=max_steps,
    )
    return {
        name: value if isinstance(value, str | int) else proto_utils.proto_to_json(value)
        for name, value in node.exec_properties.items()
        if value is not None
    }


def _told(folder: Path, max_steps: int) -> str:
    examples, model, run = (
        standard_artifacts.Examples(),
        standard_artifacts.Model(),
        standard_artifacts.ModelRun(),
    )
    examples.split_names = '["train", "eval"]'
    for name, artifact in (("examples", examples), ("model", model), ("run", run)):
        artifact.uri = str(folder / name)
    executor: base_executor.BaseExecutor = Executor()
    executor.Do(
        {"examples": [examples]}, {"model": [model], "model_run": [run]}, _properties(max_steps)
    )
    return (folder / "model" / "Format-Serving" / "told").read_text()


@pytest.mark.parametrize(("max_steps", "told"), [(0, "None"), (30, "30")])
def test_trainer_is_told_its_steps(tmp_path: Path, max_steps: int, told: str) -> None:
    assert _told(tmp_path, max_steps) == f"{told} {{'rankbeam': '{{\"a\": 1}}'}}"


def test_trainer_refuses_negative_steps(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training_steps must be >= 0; got -1"):
        _told(tmp_path, -1)
