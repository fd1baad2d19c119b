"""The DAG with its Beam stages on Flink and on Spark ends as it does on Beam's own runner."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.places import EngineKind
from tests.e2e import compared
from tests.e2e.command import Finished, rankbeam
from tests.e2e.compared import SCALED_FLOAT32, SPLITS, SUMMATION, assert_alike, assert_metrics_alike
from tests.e2e.conftest import Undisturbed
from tests.e2e.engines import beam_section, engine
from tests.e2e.outputs import records, states
from tests.e2e.tiny import NODES, run_words, write_config

pytestmark = pytest.mark.slow

KINDS: tuple[EngineKind, ...] = ("flink", "spark")


@dataclass(frozen=True)
class OnEngine:
    """Two runs in one output folder.

    Attributes:
        output: The folder.
        status: What `engine status` said while the engine was up.
        run: By the flag, all on the engine.
        evaluated: The same by the config, but the Evaluator on Beam's own runner.
        after: `engine status` when it was down again.
    """

    output: Path
    status: Finished
    run: Finished
    evaluated: Finished
    after: Finished


@pytest.fixture(scope="module", params=KINDS)
def on_engine(
    request: pytest.FixtureRequest, market: Path, tmp_path_factory: pytest.TempPathFactory
) -> OnEngine:
    """The tiny config on an engine, on the span of the undisturbed run."""
    kind: EngineKind = request.param
    folder = tmp_path_factory.mktemp(kind)
    output = folder / "out"
    plain = write_config(folder / "plain")
    split = write_config(folder / "split", {"beam": beam_section(kind)})
    with engine(kind, folder / "state", "--slots", 2):
        status = rankbeam("engine", "status", kind)
        run = rankbeam(*run_words(plain, market, output), "--beam-runner", kind)
        evaluated = rankbeam(*run_words(split, market, output))
        # The state's folder is told by a variable that holds within the block alone.
        rankbeam("engine", "down", kind)
        after = rankbeam("engine", "status", kind)
    return OnEngine(output, status, run, evaluated, after)


def test_engine_is_up_while_it_is_and_then_down(on_engine: OnEngine) -> None:
    assert (on_engine.status.code, on_engine.after.code) == (0, 5)
    assert ": up at localhost:" in on_engine.status.out
    assert on_engine.after.out.endswith(": down, not started\n")


def test_run_on_an_engine_takes_a_log_to_a_pushed_model(on_engine: OnEngine) -> None:
    assert (on_engine.run.code, on_engine.run.err) == (0, "")
    record = records(on_engine.output)[0]
    assert states(record) == dict.fromkeys(NODES, "done")
    assert record["version"] == 1


def test_examples_are_the_same(on_engine: OnEngine, undisturbed: Undisturbed) -> None:
    for split in SPLITS:
        ours, direct = (
            compared.rows(output, "ExampleGen", "examples", split)
            for output in (on_engine.output, undisturbed.output)
        )
        assert ours == direct


def test_statistics_are_the_same(on_engine: OnEngine, undisturbed: Undisturbed) -> None:
    for split in SPLITS:
        ours = compared.statistics(on_engine.output, split)
        assert_alike(ours, compared.statistics(undisturbed.output, split), SUMMATION)


def test_vocabularies_are_the_same(on_engine: OnEngine, undisturbed: Undisturbed) -> None:
    direct = compared.assets(undisturbed.output)
    assert compared.assets(on_engine.output) == direct
    assert any(direct.values())


def test_transformed_examples_are_the_same_multiset(
    on_engine: OnEngine, undisturbed: Undisturbed
) -> None:
    for split in SPLITS:
        ours, direct = (
            compared.rows(output, "Transform", "transformed_examples", split)
            for output in (on_engine.output, undisturbed.output)
        )
        assert len(direct) > 0
        assert_alike(ours, direct, SCALED_FLOAT32)


def test_metrics_of_a_model_are_the_same(on_engine: OnEngine) -> None:
    assert (on_engine.evaluated.code, on_engine.evaluated.err) == (0, "")
    _, second = records(on_engine.output)
    # Evaluated again: the same model, since all before it came from the cache.
    assert states(second)["Trainer"] == "cached"
    assert states(second)["Evaluator"] == "done"
    evaluations = on_engine.output / "artifacts" / "Evaluator" / "evaluation"
    assert len(list(evaluations.iterdir())) == 2
    there = compared.metrics(compared.first_artifact(on_engine.output, "Evaluator", "evaluation"))
    here = compared.metrics(compared.last_artifact(on_engine.output, "Evaluator", "evaluation"))
    assert len(here) > 20
    assert_metrics_alike(there, here)
