"""Placeholders become what Kubeflow's launcher would put in their place."""

import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from rankbeam.pipeline.compiled.placeholders import fill

_INPUT = {
    "inputs": {
        "parameterValues": {
            "whole": 3.0,
            "part": 0.25,
            "yes": True,
            "text": "a b",
            "list": [1.0, "x"],
            "struct": {"k": "v"},
        },
        "artifacts": {"model": {"artifacts": [{"name": "7", "uri": "/out/model"}]}},
    },
    "outputs": {
        "artifacts": {"blessing": {"artifacts": [{"name": "blessing", "uri": "/out/b"}]}},
        "parameters": {"n": {"outputFile": "/out/n"}},
        "outputFile": "/out/report.json",
    },
}


def _filled(*words: str) -> list[str]:
    return fill(words, json_format.ParseDict(_INPUT, pipeline_spec_pb2.ExecutorInput()))


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("{{$.inputs.parameters['whole']}}", "3"),
        ("{{$.inputs.parameters['part']}}", "0.25"),
        ("{{$.inputs.parameters['yes']}}", "true"),
        ("{{$.inputs.parameters['text']}}", "a b"),
        ("{{$.inputs.parameters['list']}}", '[1,"x"]'),
        ("{{$.inputs.parameters['struct']}}", '{"k":"v"}'),
        ("{{$.inputs.artifacts['model'].uri}}", "/out/model"),
        ("{{$.inputs.artifacts['model'].path}}", "/out/model"),
        ("{{$.outputs.artifacts['blessing'].uri}}", "/out/b"),
        ("{{$.outputs.parameters['n'].output_file}}", "/out/n"),
        ("{{$.inputs.parameters['unknown']}}", "{{$.inputs.parameters['unknown']}}"),
    ],
)
def test_fill_replaces_within_a_word(placeholder: str, value: str) -> None:
    assert _filled("run", f"--x={placeholder}!") == ["run", f"--x={value}!"]


def test_fill_gives_the_whole_executor_input_as_json() -> None:
    program, argument = _filled("run", "{{$}}")
    assert program == "run"
    # Proto field names in camelCase, as TFX's entry point parses them.
    assert json.loads(argument) == _INPUT


def test_fill_leaves_the_programs_name_alone() -> None:
    assert _filled("{{$.inputs.parameters['text']}}") == ["{{$.inputs.parameters['text']}}"]
