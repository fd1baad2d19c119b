"""The wheel holds the tracked files of the packages, no more and no less."""

import zipfile
from pathlib import Path

import pytest

from scripts.check_package import PackageError, build_wheels, compare, expected_files
from tests.packaging.checkout import PACKAGES, ROOT


def test_expected_files_follow_the_links_into_the_root_folders() -> None:
    expected = expected_files(ROOT)
    assert expected["rankbeam/py.typed"] == ROOT / "src/rankbeam/py.typed"
    assert expected["rankbeam/transform/errors.py"] == ROOT / "transform/errors.py"
    assert {name.split("/")[1] for name in expected if name.count("/") > 1} == set(PACKAGES)


def test_wheels_hold_the_tracked_files(tmp_path: Path) -> None:
    expected = expected_files(ROOT)
    wheels = build_wheels(ROOT, tmp_path)
    assert set(wheels) == {"tree", "sdist"}
    for wheel in wheels.values():
        compare(wheel, expected)


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, Path]:
    """Two tracked files, a module and its data."""
    files = {"pkg/a.py": tmp_path / "a.py", "pkg/b.yaml": tmp_path / "b.yaml"}
    for name, path in files.items():
        path.write_text(name)
    return files


@pytest.mark.parametrize(
    ("shipped", "message"),
    [
        ({"pkg/a.py": "pkg/a.py"}, r"missing: pkg/b\.yaml"),
        (
            {"pkg/a.py": "pkg/a.py", "pkg/b.yaml": "pkg/b.yaml", "pkg/c.py": ""},
            r"not tracked: pkg/c\.py",
        ),
        ({"pkg/a.py": "changed", "pkg/b.yaml": "pkg/b.yaml"}, r"different: pkg/a\.py"),
    ],
)
def test_compare_lists_the_difference(
    tmp_path: Path, expected: dict[str, Path], shipped: dict[str, str], message: str
) -> None:
    wheel = _wheel(tmp_path, shipped)
    with pytest.raises(PackageError, match=message):
        compare(wheel, expected)


def test_compare_accepts_equal_files_and_ignores_metadata(
    tmp_path: Path, expected: dict[str, Path]
) -> None:
    shipped = {name: name for name in expected} | {"pkg-1.dist-info/METADATA": "Name: pkg"}
    compare(_wheel(tmp_path, shipped), expected)


def _wheel(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "pkg-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
