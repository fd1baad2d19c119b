"""What a task spec accepts and rejects."""

from typing import Any

import pydantic
import pytest

from rankbeam.transform.specs.tasks import TaskSpec


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "label\n.*Field required"),
        ({"label": ""}, "label\n.*at least 1 character"),
        ({"label": "click", "weight": 0}, "weight\n.*greater than 0"),
        ({"label": "click", "role": "main"}, "'primary' or 'auxiliary'"),
        ({"label": "click", "lable": "x"}, "lable\n.*Extra inputs"),
    ],
)
def test_task_spec_rejects(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        TaskSpec.model_validate(fields)


def test_task_spec_documented_defaults() -> None:
    task = TaskSpec(label="click")
    assert (task.given, task.weight, task.role, task.joint) == (None, 1.0, "primary", None)
