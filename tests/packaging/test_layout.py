"""The checkout keeps the promises of its layout."""

import ast
import re
from pathlib import Path

import pytest

from tests.packaging.checkout import PACKAGES, ROOT, tracked

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40  # without the docstring
MAX_TEST_LINES = 60  # a worked example is read from top to bottom
# A DAG's wiring is one list of nodes: cut in pieces it would no longer show the graph.
WIRING = {"build_nodes": "pipeline/dag.py", "create_pipeline": "benchmarks/vanilla/pipeline.py"}
# A path of one machine, written so that this file does not hold one itself.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|tmp|home/\w+)/")

PYTHON_FILES = tracked("*.py")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_namespace_links_each_package_to_its_root_folder() -> None:
    links = {path.name: path for path in (ROOT / "src/rankbeam").iterdir() if path.is_symlink()}
    assert set(links) == set(PACKAGES)
    for name, link in links.items():
        assert link.readlink() == Path("../..") / name


def test_folders_with_modules_are_packages_with_a_docstring() -> None:
    folders = {
        path.parent for path in PYTHON_FILES if _name(path).split("/")[0] in {*PACKAGES, "tests"}
    }
    without = [
        _name(folder)
        for folder in sorted(folders)
        if not (folder / "__init__.py").is_file()
        or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert not without, f"no __init__.py with a docstring: {without}"


def test_text_files_name_no_machine_path() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file names nothing
        found += [
            f"{_name(path)}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            if MACHINE_PATH.search(line)
        ]
    assert not found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("open('/" + "work/main/a')", True),
        ("cd /" + "root/x", True),
        ("log: /" + "home/ada/x", True),
        ("see ../" + "work/a and https://a.org/" + "tmp/b", False),
        ("/homepage/", False),
    ],
)
def test_machine_path_pattern(line: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is found


def test_files_are_short() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in PYTHON_FILES}
    assert not {name: lines for name, lines in lengths.items() if lines >= MAX_FILE_LINES}


def test_functions_are_short() -> None:
    long = {
        f"{_name(path)}:{node.lineno} {node.name}": _code_lines(node)
        for path in PYTHON_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if WIRING.get(node.name) != _name(path)
    }
    too_long = {
        name: lines
        for name, lines in long.items()
        if lines >= (MAX_TEST_LINES if name.startswith("tests/") else MAX_FUNCTION_LINES)
    }
    assert not too_long


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        assert docstring.end_lineno is not None
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_oracles_import_nothing_of_ours() -> None:
    imports = {
        (_name(path), module)
        for path in tracked("tests/reference/*.py")
        for module in _imported(path)
        if module.split(".")[0] in {"rankbeam", "benchmarks", *PACKAGES}
    }
    assert not imports


def _imported(path: Path) -> list[str]:
    modules = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.append(node.module)
    return modules
