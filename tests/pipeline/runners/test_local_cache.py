"""When the local runner takes a node from the cache: real nodes, real ML Metadata."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from rankbeam.pipeline.runners import local
from rankbeam.pipeline.runners.cache_key import code_digest, content_digest, listing_digest
from rankbeam.pipeline.runners.local import LocalRunner
from rankbeam.pipeline.runners.observer import NodeResult


@component
def Write(  # noqa: N802 - TFX names nodes like classes
    text: Parameter[str], written: OutputArtifact[standard_artifacts.String]
) -> None:
    """Writes its parameter."""
    written.value = text


class _Listener:
    def __init__(self) -> None:
        self.states: list[str] = []

    def started(self, node: str) -> None:
        """Nothing to note."""

    def ended(self, result: NodeResult) -> None:
        """Note how it ended."""
        self.states.append(result.state)


def _run(root: Path, text: str = "a", salts: Mapping[str, str] | None = None) -> list[str]:
    listener = _Listener()
    pipeline = Pipeline(
        pipeline_name="cache",
        pipeline_root=str(root / "artifacts"),
        components=[Write(text=text)],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(root / "metadata.sqlite")
        ),
    )
    LocalRunner(listener, salts).run(pipeline)
    return listener.states


def test_runner_caches_by_parameters_and_salts(tmp_path: Path) -> None:
    assert _run(tmp_path) == ["done"]
    assert _run(tmp_path) == ["cached"]
    assert _run(tmp_path, text="b") == ["done"]
    assert _run(tmp_path, salts={"Other": "x"}) == ["cached"]
    assert _run(tmp_path, salts={"Write": "x"}) == ["done"]
    assert _run(tmp_path, salts={"Write": "x"}) == ["cached"]


def test_runner_runs_again_under_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(tmp_path) == ["done"]
    monkeypatch.setattr(local, "code_digest", lambda: "another release")
    assert _run(tmp_path) == ["done"]


def test_code_digest_is_stable() -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == 64


def test_digests_notice_what_changes_in_files(tmp_path: Path) -> None:
    file = tmp_path / "schema.pbtxt"
    file.write_text("a", encoding="utf-8")
    content, listing = content_digest(file), listing_digest([str(file)])
    assert listing_digest([str(file)]) == listing
    renamed = file.rename(tmp_path / "other.pbtxt")
    assert listing_digest([str(renamed)]) != listing
    assert content_digest(renamed) == content
    renamed.write_text("b", encoding="utf-8")
    assert content_digest(renamed) != content
