"""Compiled pipelines as tests look at them."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rankbeam.pipeline.beam.spec import BeamRunner
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.kubeflow.compile import Target, compile_pipeline
from tests.e2e.tiny import write_config


def compiled(
    folder: Path,
    changes: Mapping[str, Any],
    target: Target = "kubeflow",
    beam_runner: BeamRunner | None = None,
) -> str:
    """The tiny pipeline with `changes` at dotted places of its config."""
    return compile_pipeline(loaded_tiny(folder, changes), target, beam_runner)


def loaded_tiny(folder: Path, changes: Mapping[str, Any] | None = None) -> RankbeamConfig:
    """The tiny pipeline's config."""
    return load_config(write_config(folder, changes)).config


def documents(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The PipelineSpec and its platform spec, the latter empty where there is none."""
    spec, *rest = yaml.safe_load_all(text)
    [platform] = rest or [{}]
    return spec, platform


def difference(expected: str, actual: str) -> str:
    """What differs, line by line, with the JSON inside of texts laid out; empty where nothing."""
    before, after = _laid_out(expected).splitlines(), _laid_out(actual).splitlines()
    return "\n".join(difflib.unified_diff(before, after, "expected", "compiled", lineterm="", n=2))


def _laid_out(text: str) -> str:
    comments = "".join(line for line in text.splitlines(True) if line.startswith("#"))
    found = [_opened(document) for document in yaml.safe_load_all(text)]
    # The version of TFX that compiled it is the one thing that may differ between the two stacks.
    found[0]["sdkVersion"] = "tfx"
    return comments + yaml.safe_dump_all(found, width=100)


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _opened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_opened(each) for each in value]
    if isinstance(value, str) and value.startswith(("{", "[")) and not value.startswith("{{"):
        return _opened(json.loads(value))
    return value
