"""docs/serving.md: its config and its settings files are valid, and its files are the generated."""

import re
from pathlib import Path

import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from rankbeam.pipeline.config.schema import ServingSpec
from rankbeam.serving.manifests.generate import generate
from rankbeam.serving.settings.batching_file import read_batching
from tests.serving.manifests.plans import OUTPUT, plan

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def _block(start: str) -> str:
    (found,) = [block for block in BLOCKS if block.startswith(start)]
    return str(found)


def test_the_config_is_valid() -> None:
    section = yaml.safe_load(_block("serving:"))["serving"]
    assert ServingSpec.model_validate(section).deployment.replicas.min == 3


def test_the_model_config_is_one() -> None:
    text = _block("model_config_list")
    read = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    assert dict(read.model_config_list.config[0].version_labels) == {"stable": 41, "canary": 42}


def test_the_batching_parameters_are_valid(tmp_path: Path) -> None:
    file = tmp_path / "batching.config"
    file.write_text(_block("max_batch_size"), encoding="utf-8")
    assert read_batching(file).allowed_batch_sizes == (64, 512)


def test_the_files_are_those_that_are_generated() -> None:
    named = set(re.findall(r"^\| `([a-z]+(?:\.yaml|/))`", PAGE, re.MULTILINE))
    named |= set(re.findall(r"^\| `([a-z]+/)`, `([a-z]+/)`", PAGE, re.MULTILINE)[0])
    files = generate(plan(), OUTPUT).files
    assert named == {name.split("/")[0] + "/" * ("/" in name) for name in files}
