"""The import contracts of pyproject.toml allow the intended imports and catch the others."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.checkout import PACKAGES, ROOT

MAY_IMPORT = {
    "pipeline": {"components", "serving", "simulator", "trainer", "transform"},
    "components": {"serving", "transform"},
    "trainer": {"transform"},
    "serving": {"transform"},
    "transform": set[str](),
    "simulator": set[str](),
}
ALLOWED = [(importer, imported) for importer in PACKAGES for imported in MAY_IMPORT[importer]]
FORBIDDEN = sorted(set(itertools.permutations(PACKAGES, 2)) - set(ALLOWED))


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The packages without their contents, under the project's own contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    folders = [*PACKAGES, "transform/specs"]
    for folder in [tmp_path / "rankbeam", *(tmp_path / "rankbeam" / name for name in folders)]:
        folder.mkdir()
        (folder / "__init__.py").touch()
    (tmp_path / "rankbeam/transform/errors.py").touch()
    return tmp_path


def _lint(skeleton: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=skeleton,
        env={**os.environ, "PYTHONPATH": str(skeleton)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_contracts_allow_the_layers(skeleton: Path) -> None:
    for number, (importer, imported) in enumerate(sorted(ALLOWED)):
        module = skeleton / "rankbeam" / importer / f"module_{number}.py"
        module.write_text(f"import rankbeam.{imported}\n")
    answer = _lint(skeleton)
    assert answer.returncode == 0, answer.stdout
    assert " 0 broken" in answer.stdout


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN)
def test_contracts_catch_every_other_import(skeleton: Path, importer: str, imported: str) -> None:
    module = skeleton / "rankbeam" / importer / "module.py"
    module.write_text(f"def late():\n    import rankbeam.{imported}\n")
    answer = _lint(skeleton)
    assert answer.returncode != 0
    assert f"rankbeam.{importer}.module -> rankbeam.{imported}" in answer.stdout


@pytest.mark.parametrize("library", ["tensorflow", "tfx", "apache_beam"])
def test_contracts_keep_specs_light(skeleton: Path, library: str) -> None:
    (skeleton / "rankbeam/transform/specs/module.py").write_text(f"import {library}\n")
    answer = _lint(skeleton)
    assert answer.returncode != 0
    assert f"rankbeam.transform.specs.module -> {library}" in answer.stdout
