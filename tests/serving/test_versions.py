"""Version folders: which names count, which are complete, when a fingerprint changes."""

from pathlib import Path

import pytest

from rankbeam.serving import versions


@pytest.mark.parametrize(
    ("name", "number"),
    [("1", 1), ("007", 7), ("20240131", 20240131), ("0", 0), (str(2**63 - 1), 2**63 - 1)],
)
def test_versions_integer_folders_count(tmp_path: Path, name: str, number: int) -> None:
    (tmp_path / name).mkdir()
    assert versions.list_versions(tmp_path) == {number: tmp_path / name}


@pytest.mark.parametrize("name", [".tmp-1", "1a", "-1", "1.0", "v1", "", "٣", str(2**63)])
def test_versions_other_names_do_not_count(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(exist_ok=True)
    assert versions.list_versions(tmp_path) == {}


def test_versions_a_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "3").write_text("")
    assert versions.list_versions(tmp_path) == {}


def test_versions_shortest_spelling_wins(tmp_path: Path) -> None:
    for name in ("007", "7", "07"):
        (tmp_path / name).mkdir()
    assert versions.list_versions(tmp_path) == {7: tmp_path / "7"}


def test_versions_of_a_missing_base_path_are_none(tmp_path: Path) -> None:
    assert versions.list_versions(tmp_path / "absent") == {}


def test_versions_of_a_file_raise(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="file"):
        versions.list_versions(tmp_path / "file")


def test_versions_complete_ones_hold_a_saved_model(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "saved_model.pb").write_bytes(b"")
    assert list(versions.complete_versions(tmp_path)) == [2]


def test_versions_fingerprint_follows_names_sizes_and_times(tmp_path: Path) -> None:
    seen = [versions.fingerprint(tmp_path)]
    (tmp_path / "sub").mkdir()
    for name, text in (("a", "1"), ("sub/b", "1"), ("a", "22")):
        (tmp_path / name).write_text(text)
        seen.append(versions.fingerprint(tmp_path))
    assert len(set(seen)) == len(seen)
    assert versions.fingerprint(tmp_path) == seen[-1]
