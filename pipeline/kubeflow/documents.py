"""A compiled pipeline as text: stable, and readable where it is read."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from rankbeam.pipeline.kubeflow.parameters import RunParameters

_KINDS = {str: "str", int: "int"}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        """Repeat what occurs twice: other readers of YAML know no references."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def pipeline_yaml(
    spec: Mapping[str, Any], platform: Mapping[str, Any] | None, parameters: RunParameters
) -> str:
    """A PipelineSpec, then its platform spec if it has one, below a comment for people."""
    documents = [spec] if platform is None else [spec, platform]
    body = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=True, width=1_000_000, default_flow_style=False
    )
    return _heading(spec["pipelineInfo"]["name"], parameters) + body


def job_json(job: Mapping[str, Any]) -> str:
    """A PipelineJob."""
    return json.dumps(job, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _heading(name: str, parameters: RunParameters) -> str:
    lines = ["PIPELINE DEFINITION", f"Name: {name}", "Inputs:"]
    for parameter in sorted(parameters.by_name().values(), key=lambda each: each.name):
        default = "" if parameter.default is None else f" [Default: {parameter.default!r}]"
        kind = _KINDS[parameter.kind]
        lines.append(f"   {parameter.name}: {kind}{default}  {parameter.description}")
    return "".join(f"# {line}\n" for line in lines)
