"""One module tells the two stacks of libraries apart: nobody else asks for versions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.checkout import PACKAGES, ROOT, tracked

THE_MODULE = "transform/stack.py"
_SCANNED = (*PACKAGES, "benchmarks")

_MAY_FAIL = "an import that may fail"

# What is found and does not tell stacks apart, with the reason; who removes one takes it out here.
ALLOWED = {
    ("serving/version_text.py", "a library's __version__"): "shows it to who asks --version",
    ("pipeline/beam/probe.py", "importlib.metadata"): "compares a worker's libraries with these",
    ("pipeline/beam/probe.py", "Python's version"): "compares a worker's Python with this one",
    ("pipeline/runners/cache_key.py", "importlib.metadata"): "other versions, other outputs",
    ("benchmarks/serving_peers/environments.py", "importlib.metadata"): "says what was measured",
    ("benchmarks/serving_peers/environments.py", "Python's version"): "names an environment",
    ("components/remote/beam_lookup.py", _MAY_FAIL): (
        "Beam's clients of other clouds are optional; a user who lacks one is told its name"
    ),
}

_OF_PYTHON = {
    *("sys.version_info", "sys.version", "sys.hexversion"),
    *("platform.python_version", "platform.python_version_tuple"),
}
_COMPARERS = {"packaging", "pkg_resources", "distutils", "looseversion", "importlib.metadata"}
_ABSENCE = {"ImportError", "ModuleNotFoundError"}
_ANYTHING = {"AttributeError", "Exception", "BaseException"}


def _dotted(node: ast.AST) -> str:
    """`a.b.c` of names and attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def _modules(tree: ast.AST) -> dict[str, str]:
    """Name in the file to what it was imported from."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    for node in ast.walk(tree):
        # `tf: Any = tensorflow`, as one writes for a type checker.
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Name):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if node.value.id in names:
                names.update(dict.fromkeys(map(_dotted, targets), names[node.value.id]))
    return names


def _whole(node: ast.AST, modules: dict[str, str]) -> str:
    """As `_dotted`, with what its first name was imported from; empty where it was not."""
    first, dot, rest = _dotted(node).partition(".")
    return f"{modules[first]}{dot}{rest}" if first in modules else ""


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _caught(node: ast.AST) -> set[str]:
    """The errors that a handler, or `contextlib.suppress`, takes."""
    if isinstance(node, ast.ExceptHandler):
        if node.type is None:
            return {"BaseException"}
        parts = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return {_dotted(part) for part in parts}
    if isinstance(node, ast.Call) and _dotted(node.func).endswith("suppress"):
        return {_dotted(argument) for argument in node.args}
    return set()


def _guards_an_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.Try):
        return False
    inside = (each for statement in node.body for each in ast.walk(statement))
    taken = set().union(*map(_caught, node.handlers))
    return bool(taken & _ANYTHING) and any(map(_imported, inside))


def _asks_a_module(node: ast.AST, modules: dict[str, str]) -> bool:
    """Whether what a library has is asked by name: `hasattr(tf, ...)`, `getattr(tf, ..., None)`."""
    if not (isinstance(node, ast.Call) and node.args):
        return False
    name, count = _dotted(node.func), len(node.args)
    if name == "hasattr" or (name == "getattr" and count == 3):
        return bool(_whole(node.args[0], modules))
    return False


def _signs(tree: ast.AST) -> Iterator[str]:
    """What in a file tells versions of Python or of libraries apart."""
    modules = _modules(tree)
    for node in ast.walk(tree):
        whole = _whole(node, modules)
        if whole in _OF_PYTHON:
            yield "Python's version"
        if whole.endswith((".__version__", ".VERSION")) and not whole.startswith("rankbeam."):
            yield "a library's __version__"
        for name in _imported(node):
            yield from (each for each in _COMPARERS if f"{name}.".startswith(f"{each}."))
        if _caught(node) & _ABSENCE or _guards_an_import(node):
            yield _MAY_FAIL
        if whole == "importlib.util.find_spec":
            yield _MAY_FAIL
        if _asks_a_module(node, modules):
            yield "what a library has"


def _signs_of(text: str) -> set[str]:
    return set(_signs(ast.parse(text)))


def _found() -> dict[tuple[str, str], Path]:
    return {
        (path.relative_to(ROOT).as_posix(), sign): path
        for path in tracked(*(f"{folder}/*.py" for folder in _SCANNED))
        for sign in _signs_of(path.read_text(encoding="utf-8"))
    }


def test_only_one_module_tells_the_stacks_apart() -> None:
    found = {place for place in _found() if place[0] != THE_MODULE}
    assert found == set(ALLOWED), f"what differs between the stacks belongs in {THE_MODULE}"


def test_that_module_is_seen_to_do_so() -> None:
    assert (THE_MODULE, "what a library has") in _found()


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        ("Python's version", "import sys\nif sys.version_info >= (3, 11): pass"),
        ("Python's version", "from sys import version_info\nnew = version_info > (3, 10)"),
        ("Python's version", "import platform\nplatform.python_version()"),
        ("a library's __version__", "import tensorflow as tf\nnew = tf.__version__ >= '2.17'"),
        ("a library's __version__", "from tfx import version\nversion.__version__"),
        ("a library's __version__", "import tensorflow as tf\ntf.version.VERSION"),
        ("packaging", "from packaging import version"),
        ("packaging", "from packaging.version import Version"),
        ("importlib.metadata", "import importlib.metadata as m"),
        ("importlib.metadata", "from importlib import metadata"),
        ("pkg_resources", "import pkg_resources"),
        (_MAY_FAIL, "try:\n    import a\nexcept ImportError:\n    a = None"),
        (_MAY_FAIL, "try:\n    f()\nexcept (OSError, ModuleNotFoundError):\n    pass"),
        (
            _MAY_FAIL,
            "def f():\n    try:\n        from a import b\n    except Exception:\n        b = 1",
        ),
        (_MAY_FAIL, "import contextlib\nwith contextlib.suppress(ImportError):\n    import a"),
        (_MAY_FAIL, "from importlib.util import find_spec\nfind_spec('a')"),
        ("what a library has", "import a.b\nif hasattr(a.b, 'c'): pass"),
        ("what a library has", "from a import b\nc = getattr(b, 'c', None)"),
        ("what a library has", "import a\nfree: Any = a\nif hasattr(free, 'c'): pass"),
    ],
)
def test_sign_is_seen(sign: str, text: str) -> None:
    assert _signs_of(text) == {sign}


@pytest.mark.parametrize(
    "text",
    [
        "import rankbeam\nprint(rankbeam.__version__)",
        "import a\ntry:\n    a.b()\nexcept OSError:\n    pass",
        "try:\n    import a\n    a.b()\nexcept OSError:\n    pass",
        "try:\n    a = 1\nfinally:\n    import b",
        "def f(x):\n    return hasattr(x, 'read') or getattr(x, 'y', None)",
        "import a\nb = getattr(a, 'c')",
        "import sys\nsys.exit()",
        "version = 3\nif version > 2: pass",
    ],
)
def test_what_is_none_is_let_alone(text: str) -> None:
    assert _signs_of(text) == set()
