"""The simulator's pipeline, compiled, is the one in the tests.

After a change that is meant, renew it and read its diff:

    rankbeam compile -o tests/pipeline/kubeflow/offers.yaml
"""

import re
from pathlib import Path

import pytest
from kfp import components

from rankbeam.pipeline.cli.main import main
from tests.pipeline.kubeflow.compiled_documents import difference

GOLDEN = Path(__file__).parent / "offers.yaml"


def _compile(file: Path) -> str:
    with pytest.raises(SystemExit) as end:
        main(["compile", "-o", str(file)])
    assert end.value.code == 0
    return file.read_text(encoding="utf-8")


def test_compiled_simulator_is_the_golden_one(tmp_path: Path) -> None:
    text = _compile(tmp_path / "pipeline.yaml")
    changed = difference(GOLDEN.read_text(encoding="utf-8"), text)
    assert not changed, f"renew {GOLDEN.name} if this is meant:\n{changed}"
    assert _compile(tmp_path / "again.yaml") == text


def test_golden_difference_shows_what_is_inside_of_texts() -> None:
    golden = GOLDEN.read_text(encoding="utf-8")
    assert difference(golden, golden) == ""
    shown = difference(golden, re.sub(r"(batch_size\W+)256", r"\g<1>512", golden))
    assert [line.strip(" -+") for line in shown.splitlines() if "batch_size" in line] == [
        "batch_size: 256",
        "batch_size: 512",
    ]


def test_golden_is_what_the_kubeflow_sdk_loads() -> None:
    loaded = components.load_component_from_file(str(GOLDEN))
    assert loaded.pipeline_spec.pipeline_info.name == "offers"
    assert set(loaded.component_spec.inputs) == {"data_path", "training_steps", "push_destination"}
    assert loaded.component_spec.inputs["data_path"].optional is False
    assert loaded.component_spec.inputs["training_steps"].default == 0


def test_golden_names_no_place_of_this_machine() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    here = Path(__file__).resolve().parents[3]
    for place in {str(here), str(Path.home()), str(Path.cwd()), "/tmp"} - {"/"}:
        assert place not in text
