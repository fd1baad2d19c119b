"""Fills the placeholders of a container's command in, as Kubeflow's launcher does.

Source: kubeflow/pipelines, backend/src/v2/component/launcher_v2.go. `{{$}}` is the whole executor
input as JSON; the others are looked for after that, hence in the JSON as well. The command's first
word is a program's name and takes `{{$}}` alone.
"""

import json
from collections.abc import Sequence
from typing import Any

from google.protobuf import json_format

WHOLE = "{{$}}"


def fill(words: Sequence[str], executor_input: Any) -> list[str]:
    """`words` with the values of an `ExecutorInput` message."""
    whole = to_json(executor_input)
    values = sorted(_values(executor_input).items())
    filled = [word.replace(WHOLE, whole) for word in words]
    for place, word in enumerate(filled[1:], start=1):
        for key, value in values:
            word = word.replace(key, value)  # noqa: PLW2901 - one placeholder after the other
        filled[place] = word
    return filled


def to_json(message: Any) -> str:
    """A message as JSON in one line."""
    return json.dumps(json_format.MessageToDict(message), sort_keys=True)


def text_of(value: object) -> str:
    """A parameter's value as text, as Kubeflow writes it: 3, not 3.0; true; lists as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: object) -> object:
    """A value with its whole numbers as integers; JSON and protobuf know floats alone."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _values(executor_input: Any) -> dict[str, str]:
    inputs, outputs = executor_input.inputs, executor_input.outputs
    found: dict[str, str] = {}
    for side, artifacts in (("inputs", inputs.artifacts), ("outputs", outputs.artifacts)):
        for name, listed in artifacts.items():
            for artifact in listed.artifacts[:1]:
                place = f"$.{side}.artifacts['{name}']"
                found[f"{{{{{place}.uri}}}}"] = artifact.uri
                # Here a URI is a path; a cluster would have copied it to one.
                found[f"{{{{{place}.path}}}}"] = artifact.uri
    for name, value in inputs.parameter_values.items():
        found[f"{{{{$.inputs.parameters['{name}']}}}}"] = text_of(json_format.MessageToDict(value))
    for name, output in outputs.parameters.items():
        found[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = output.output_file
    return found
