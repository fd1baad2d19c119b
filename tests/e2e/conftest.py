"""One market, one undisturbed run and one warm process for all of these tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.command import Finished, rankbeam
from tests.e2e.outputs import executions, pushed
from tests.e2e.tiny import run_words, write_config, write_market
from tests.e2e.warm import WarmProcess


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing went wrong with, and the same command once more.

    Attributes:
        config: The config's file.
        output: The output folder; other tests may run further commands there.
        first: The run.
        second: The same command, right after it.
        pushed: What was pushed by then: name to digest.
        executions: What ML Metadata held by then: component class, and state.
        temporary: Where both had their temporary files.
    """

    config: Path
    output: Path
    first: Finished
    second: Finished
    pushed: dict[str, str]
    executions: list[tuple[str, str]]
    temporary: Path

    @property
    def schema(self) -> Path:
        """The schema of the first run, as a file."""
        found = (self.output / "artifacts" / "SchemaContract" / "schema").glob("*/*.pbtxt")
        return min(found, key=lambda path: int(path.parent.name))


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two spans of simulated impressions."""
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def undisturbed(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The tiny config on the first span, in processes of its own."""
    folder = tmp_path_factory.mktemp("undisturbed")
    config, output, temporary = write_config(folder), folder / "out", folder / "temporary"
    temporary.mkdir()
    words = run_words(config, market, output)
    first, second = (rankbeam(*words, temporary=temporary) for _ in range(2))
    return Undisturbed(config, output, first, second, pushed(output), executions(output), temporary)


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmProcess]:
    """A process that has imported TFX after the first command."""
    process = WarmProcess()
    yield process
    process.close()
