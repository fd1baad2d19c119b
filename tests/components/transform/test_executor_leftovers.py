"""What Transform's executor needs while it works goes with it, and never hides what went wrong."""

from pathlib import Path

import pytest

from rankbeam.components.transform.executor import Executor
from rankbeam.transform.errors import DataError
from tests.components.example_batches.artifact import write_examples
from tests.components.example_batches.workers import as_in_a_run
from tests.components.transform.executed import CLOSED, execute
from tests.disks import small_disk


@pytest.mark.slow
def test_transform_that_cannot_tidy_up_tells_the_first_error(tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", 300, 40)
    [file] = (Path(examples.uri) / "Split-eval").iterdir()
    file.write_bytes(b"no TFRecord")
    unfinished = tmp_path / "out" / "transformed" / "unfinished"
    unfinished.mkdir(parents=True)
    with (
        small_disk(unfinished / "busy", "64k"),
        pytest.raises(DataError, match=rf"{file.name} must hold examples that fit the schema; "),
    ):
        execute(as_in_a_run(Executor), examples, CLOSED, tmp_path / "out")
    assert not (tmp_path / "out" / "graph" / ".temp_path").exists()
