"""docs/client.md: each snippet is run against a real server."""

import json
import re
import shlex
from pathlib import Path

import pytest

from rankbeam.pipeline.cli import main
from rankbeam.serving.client.expression import FUNCTIONS
from rankbeam.serving.client.options import RankOptions
from rankbeam.serving.server import ModelServer
from tests.serving.waiting import NAME

TEXT = (Path(__file__).parents[3] / "docs/client.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def _here(snippet: str, server: ModelServer) -> str:
    """The documentation's server and model are this test's."""
    return snippet.replace("127.0.0.1:8500", f"127.0.0.1:{server.port}").replace("shop", NAME)


def test_docs_have_snippets() -> None:
    assert len(SNIPPETS) == 5


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_docs_snippet_runs(server: ModelServer, snippet: str) -> None:
    names: dict[str, object] = {}
    exec(_here(snippet, server), names)
    ranking = names.get("ranking")
    if ranking is not None:
        assert [each.index for each in ranking] == [1, 0]  # type: ignore[attr-defined]


def test_docs_command_line_runs(server: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    [snippet] = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    words = shlex.split(_here(snippet, server).replace("\\\n", " "))
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*words[1:], "--target", f"127.0.0.1:{server.port}"])
    answer = json.loads(capsys.readouterr().out)
    assert [each["index"] for each in answer["ranked"]] == [1, 0]
    promised = re.search(r"prints one JSON object: (.*?)\. ", TEXT, re.DOTALL)
    assert promised is not None
    named = re.findall(r"`(\w+)`", promised[1])
    assert set(named) == {*answer, *answer["ranked"][0]}


def test_docs_name_every_function_and_the_defaults() -> None:
    assert f"`{' '.join(sorted(FUNCTIONS))}`" in TEXT
    assert f"`max_candidates_per_request` ({RankOptions().max_candidates_per_request})" in TEXT
