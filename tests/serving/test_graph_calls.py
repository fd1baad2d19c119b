"""What a graph call costs is paid once: at its first use, or before a swap by the new version."""

from pathlib import Path

import numpy as np
import pytest

from rankbeam.serving import tensors
from rankbeam.serving.manager import VersionManager
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models
from tests.serving.managed import add

_MERGED = ("matrix", "parsed_examples")


def _made(servable: Servable) -> set[str]:
    return {name for name, found in servable.signatures.items() if found.graph.is_made}


@pytest.fixture(scope="module")
def untouched(saved_model: Path) -> set[str]:
    """What is made of a version that nobody has asked."""
    return _made(load_servable("tiny", 1, saved_model))


def test_load_makes_the_default_signature_and_what_is_part_of_it(untouched: set[str]) -> None:
    assert untouched == {"serving_default", "regress_click", "regress_ctcvr"}


def test_first_use_makes_a_signature(saved_model: Path, untouched: set[str]) -> None:
    servable = load_servable("tiny", 1, saved_model)
    count = servable.signature("parsed_examples")
    assert count.call({}) == {"count": 0}
    assert _made(servable) == untouched | {"parsed_examples"}


def test_part_of_a_call_runs_it_and_picks(saved_model: Path) -> None:
    servable = load_servable("tiny", 1, saved_model)
    rows = np.array(tiny_models.examples(), object)
    [click] = servable.signature("classify_click").call({"inputs": rows}).values()
    assert {"classify_click", "matrix"} <= _made(servable)
    whole = servable.signature("matrix").call({"examples": rows})
    assert (click == whole["click"]).all()


def test_prepared_version_has_made_what_the_other_needed(
    saved_model: Path, untouched: set[str]
) -> None:
    before, after, other = (load_servable("tiny", number, saved_model) for number in (1, 2, 3))
    before.signature("slow").run({"rounds": tensors.encode(np.int32(1))})
    merged = before.merged(_MERGED)
    merged.call(dict.fromkeys(merged.inputs, np.array(tiny_models.examples(), object)))
    after.prepare_as(before)
    assert _made(after) == untouched | {"slow"}
    assert after.merged(_MERGED).graph.is_made
    other.prepare_as(after)  # what it has made, too, though nobody has asked it
    assert other.merged(_MERGED).graph.is_made


def test_prepared_version_may_lack_what_the_other_had(saved_model: Path) -> None:
    before, after = (load_servable("tiny", number, saved_model) for number in (1, 2))
    before.signature("slow").graph.make()
    before.merged(_MERGED).graph.make()
    for name in ("slow", "matrix"):
        del after.signatures[name]
    made = _made(after)
    after.prepare_as(before)
    assert _made(after) == made


def test_what_cannot_be_prepared_is_left_to_those_who_ask(saved_model: Path) -> None:
    before, after = (load_servable("tiny", number, saved_model) for number in (1, 2))
    before.signature("parsed_examples").graph.make()
    after.retire()  # its session is closed: no call can be made any more
    after.prepare_as(before)
    assert not after.signature("parsed_examples").graph.is_made
    with pytest.raises(Refusal, match="closed"):
        after.signature("parsed_examples").call({})


def test_manager_swaps_in_a_version_prepared_for_its_users(base_path: Path) -> None:
    manager = VersionManager("tiny", base_path)
    manager.poll()
    manager.get().signature("parsed_examples").call({})
    add(base_path, 2)
    manager.poll()
    assert manager.get().version == 2
    assert manager.get().signature("parsed_examples").graph.is_made
    assert not manager.get().signature("slow").graph.is_made
