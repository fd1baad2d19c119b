"""Generated files on the disk: nothing of others is lost, and nothing is half-written."""

import os
from pathlib import Path

import pytest

from rankbeam.serving.manifests.generate import generate
from rankbeam.serving.manifests.writer import write_files
from rankbeam.transform.errors import EnvironmentFault
from tests.serving.manifests.plans import OUTPUT, plan

OLD = generate(plan({"poll_s": 3}), OUTPUT, ["settings"]).files
NEW = generate(plan({"poll_s": 3, "keep_versions": 2}), OUTPUT, ["settings"]).files


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path / "deep" / "deploy", OLD, force=False)
    assert _tree(tmp_path / "deep" / "deploy") == OLD


def test_generated_files_are_replaced(tmp_path: Path) -> None:
    write_files(tmp_path, OLD, force=False)
    write_files(tmp_path, NEW, force=False)
    assert _tree(tmp_path) == NEW != OLD


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine", encoding="utf-8")
    write_files(tmp_path, OLD, force=False)
    assert _tree(tmp_path) == {**OLD, "notes.md": "mine"}


@pytest.mark.parametrize("text", ["mine\n", NEW["config/models.config"] + "# tuned\n", "\udcff"])
def test_a_foreign_or_edited_file_stops_everything(tmp_path: Path, text: str) -> None:
    write_files(tmp_path, OLD, force=False)
    (tmp_path / "config/models.config").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(EnvironmentFault, match=r"got others or edited ones: .*models\.config$"):
        write_files(tmp_path, NEW, force=False)
    untouched = (tmp_path / "config/monitoring.config").read_text(encoding="utf-8")
    assert untouched == OLD["config/monitoring.config"]
    write_files(tmp_path, NEW, force=True)
    assert _tree(tmp_path) == NEW


def test_a_dangling_link_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/models.config").symlink_to(tmp_path / "gone")
    with pytest.raises(EnvironmentFault, match="got others or edited ones"):
        write_files(tmp_path, OLD, force=False)


def test_a_failure_leaves_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, OLD, force=False)
    replaced: list[Path] = []
    replace = Path.replace

    def fails_the_second_time(self: Path, target: Path) -> Path:
        if replaced:
            raise OSError(28, "No space left on device")
        replaced.append(target)
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fails_the_second_time)
        with pytest.raises(EnvironmentFault, match=r"must be writable.*No space left"):
            write_files(tmp_path, NEW, force=False)
    found = _tree(tmp_path)
    assert set(found) == set(OLD)
    assert all(text in {OLD[name], NEW[name]} for name, text in found.items())
    # What was left behind is still known as generated.
    write_files(tmp_path, NEW, force=False)
    assert _tree(tmp_path) == NEW


def test_a_file_in_the_way_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "deploy").write_text("", encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="--output must be writable"):
        write_files(tmp_path / "deploy", OLD, force=False)


def test_a_servers_user_may_read_the_files_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_files(tmp_path / "deploy", OLD, force=False)
    finally:
        os.umask(before)
    for name in OLD:
        path = tmp_path / "deploy" / name
        assert path.stat().st_mode & 0o777 == 0o644
        assert path.parent.stat().st_mode & 0o777 == 0o755
