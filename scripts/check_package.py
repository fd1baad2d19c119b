"""Checks what is shipped: complete wheels, and the fast tests on the installed one.

1. The wheel built from the checkout and the wheel built through the sdist both hold exactly the
   tracked files of the packages, byte for byte.
2. Installed in an environment of its own, with the checkout out of reach, every package comes from
   the wheel and the fast tests pass.

Run with the project's environment: `.venv/bin/python scripts/check_package.py --uv PATH`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "rankbeam"
# Tests of the checkout itself, which does not exist beside an installed wheel.
CHECKOUT_TESTS = ("packaging", "benchmarks")


class PackageError(Exception):
    """What is shipped is not what is tracked; the message lists the differences."""


def tracked_files(root: Path, *paths: str) -> list[str]:
    """The paths below `root` that git tracks and that exist, relative to `root`."""
    listing = _git(root, "ls-files", "-z", "--", *paths)
    return [name for name in listing.split("\0") if name and os.path.lexists(root / name)]


def expected_files(root: Path) -> dict[str, Path]:
    """From each path a wheel must hold to the tracked file it comes from.

    Follows the links of src/rankbeam into the root folders.
    """
    expected: dict[str, Path] = {}
    for name in tracked_files(root, f"src/{NAMESPACE}"):
        source = root / name
        if source.is_symlink():
            folder = source.resolve()
            for inner in tracked_files(root, str(folder.relative_to(root))):
                below = (root / inner).relative_to(folder)
                expected[f"{NAMESPACE}/{source.name}/{below.as_posix()}"] = root / inner
        else:
            expected[Path(name).relative_to("src").as_posix()] = source
    return expected


def build_wheels(root: Path, scratch: Path) -> dict[str, Path]:
    """Builds the wheel from a copy of the checkout, and again through the sdist.

    The copy holds what git tracks and what it would track if asked to add everything, so that a
    forgotten `git add` shows as a difference, and setuptools' leftovers stay out of the checkout.
    """
    tree = scratch / "tree"
    names = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    copy_files(root, tree, [name for name in names if name and os.path.lexists(root / name)])
    wheels = {}
    for way, options in {"tree": ["--wheel"], "sdist": []}.items():
        out = scratch / f"from-{way}"
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *options]
        _run([*command, str(tree)], cwd=scratch, quiet=True)
        (wheels[way],) = out.glob("*.whl")
        shutil.rmtree(tree / "build", ignore_errors=True)
    return wheels


def copy_files(root: Path, target: Path, names: list[str]) -> None:
    """Copies files, and links as links."""
    for name in names:
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, destination, follow_symlinks=False)


def compare(wheel: Path, expected: dict[str, Path]) -> None:
    """Compares the wheel's files with the tracked ones, names and bytes.

    Raises:
      PackageError: a file is missing, too many, or different.
    """
    with zipfile.ZipFile(wheel) as archive:
        shipped = {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.split("/")[0].endswith(".dist-info")
        }
    differences = [
        *(f"missing: {name}" for name in sorted(expected.keys() - shipped.keys())),
        *(f"not tracked: {name}" for name in sorted(shipped.keys() - expected.keys())),
        *(
            f"different: {name}"
            for name in sorted(expected.keys() & shipped.keys())
            if expected[name].read_bytes() != shipped[name]
        ),
    ]
    if differences:
        raise PackageError(
            f"{wheel.name} does not hold the tracked files: "
            + "; ".join(differences)
            + " (git add them, or list their pattern in [tool.setuptools.package-data])"
        )


def install(wheel: Path, scratch: Path, uv: str) -> Path:
    """Installs the wheel in a new environment; returns its python.

    The dependencies are those of the environment that runs this script, lent by a .pth line. Python
    reads no .pth files in a folder so added: the editable install's is left behind, those of
    namespace packages are not needed, and setuptools' own, for its distutils, is copied.
    """
    environment = scratch / "environment"
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], cwd=scratch)
    python = environment / "bin" / "python"
    _run(
        [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(wheel)],
        cwd=scratch,
    )
    (own,) = environment.glob("lib/python3.*/site-packages")
    lent = Path(sysconfig.get_path("purelib"))
    (own / "00-dependencies.pth").write_text(f"{lent}\n")
    for path in lent.glob("distutils-precedence.pth"):
        shutil.copy(path, own)
    return python


def prove_origin(python: Path, scratch: Path, expected: dict[str, Path]) -> None:
    """Imports each package, shows that it comes from the wheel, and starts the command line.

    Raises:
      PackageError: a package does not import or comes from elsewhere, or the command fails.
    """
    inits = [name for name in expected if name.endswith("/__init__.py")]
    modules = sorted(str(Path(name).parent).replace("/", ".") for name in inits)
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[2:]:\n"
        "    file = importlib.import_module(name).__file__\n"
        "    if not file.startswith(sys.argv[1]):\n"
        "        sys.exit(f'{name} was imported from {file}, not from the wheel')\n"
    )
    environment = str(python.parent.parent)
    _run([str(python), "-I", "-c", code, environment, *modules], cwd=scratch, quiet=True)
    _run([str(python.parent / NAMESPACE), "--help"], cwd=scratch, quiet=True)


def run_tests_outside(root: Path, python: Path, scratch: Path, workers: int) -> None:
    """Runs the fast tests in a copy of the checkout that lacks the packages.

    Raises:
      PackageError: a test fails.
    """
    place = scratch / "outside"
    packages = {"src", *(link.name for link in (root / "src" / NAMESPACE).iterdir())}
    names = [name for name in tracked_files(root) if name.split("/")[0] not in packages]
    copy_files(root, place, names)
    ignored = [f"--ignore=tests/{folder}" for folder in CHECKOUT_TESTS]
    command = [str(python), "-m", "pytest", "-q", "-m", "not slow", *ignored]
    command += ["-n", str(workers), "--dist", "loadfile"]
    shared = os.environ.get("RANKBEAM_SHARED_DATA", str(root.parent / "shared" / "data"))
    _run([*command, f"--shared-data={shared}"], cwd=place)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _run(command: list[str], cwd: Path, quiet: bool = False) -> None:
    """Runs a command; its output is shown, or with `quiet` only where it fails.

    PYTHONPATH is withheld, since it could bring the checkout back.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if answer.returncode:
        raise PackageError(f"{' '.join(command[:3])} ... failed\n{answer.stdout or ''}".strip())


def main() -> int:
    """Runs the checks; returns the exit code."""
    parser = argparse.ArgumentParser(description="Check the wheel and the sdist.")
    parser.add_argument("--uv", required=True, help="the uv that installs the wheel")
    parser.add_argument("--workers", type=int, default=2, help="processes of the tests")
    options = parser.parse_args()
    uv = os.path.abspath(shutil.which(options.uv) or parser.error(f"no such program: {options.uv}"))
    start = time.monotonic()
    expected = expected_files(ROOT)
    with tempfile.TemporaryDirectory(prefix="rankbeam-package-") as folder:
        scratch = Path(folder).resolve()
        try:
            wheels = build_wheels(ROOT, scratch)
            for way, wheel in wheels.items():
                compare(wheel, expected)
                print(f"{wheel.name} from the {way}: {len(expected)} files, as tracked")
            python = install(wheels["sdist"], scratch, uv)
            prove_origin(python, scratch, expected)
            print(f"installed outside the checkout after {time.monotonic() - start:.0f} s")
            run_tests_outside(ROOT, python, scratch, options.workers)
        except PackageError as error:
            print(f"check_package: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
