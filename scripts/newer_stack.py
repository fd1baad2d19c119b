"""Runs the project's targets on the newer TFX stack, in a Debian 13 root of its own.

For machines whose C library is too old for TFX 1.21 (see choose_python.py). debian_root.py makes
the root, with Python 3.13; the tracked files of the checkout are copied into it, the locked
packages are installed there by the project's own Makefile, and COMMAND runs in it. All is kept in
one folder, so that a second run begins with the tests.

    python3 -m scripts.newer_stack make test-fast ARGS="tests/trainer"

Needs root. Exits with COMMAND's code, with 1 where a step before it fails or COMMAND takes longer
than it may, and with 77 (the code that Automake reads as "skipped") where such a root cannot be had
here and now: no rights, no room, no network, no time; the reason is on stderr.
Runs on any Python 3.8+, before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.choose_python import NEWER_STACK_NAME, NoStackError, choose, inspect_machine
from scripts.debian_root import (
    RELEASE,
    CannotError,
    Host,
    copy_settings,
    enter,
    inspect_host,
    is_made,
    make_root,
    obstacle,
)
from scripts.root_java import bring_java, has_java
from scripts.setup_verdict import machine_fault

ROOT = Path(__file__).resolve().parent.parent
CANNOT = 77
# The checkout's place in the root. Beside it, as beside the checkout here, stands `shared`.
PLACE = Path("/src/rankbeam")
KEPT = {".venv", ".uv"}  # of the place, from run to run


class StepError(Exception):
    """A step before the command failed, or the command took too long."""


def copy_checkout(checkout: Path, place: Path) -> int:
    """Puts the tracked files, as they are in the work tree, into a repository at `place`.

    What an earlier copy left there goes, but for the environment and uv.

    Returns:
      The number of files.

    Raises:
      CannotError: git cannot do its part.
      OSError: `place` cannot be written, for one since its disk is full.
    """
    listing = _git(checkout, "ls-files", "-z")
    names = [os.fsdecode(name) for name in listing.split(b"\0") if name]
    names = [name for name in names if os.path.lexists(checkout / name)]
    place.mkdir(parents=True, exist_ok=True)
    for old in place.iterdir():
        if old.is_dir() and not old.is_symlink():
            if old.name not in KEPT:
                shutil.rmtree(old)
        else:
            old.unlink()
    for name in names:  # with new times, so that `make setup` looks at the lock file again
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / name, target, follow_symlinks=False)
    _git(place, "init", "-q")
    _git(place, "add", "--all")
    return len(names)


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    answer = subprocess.run(command, capture_output=True, check=False)
    if answer.returncode:  # a full disk, a checkout of another user's
        tail = " | ".join(os.fsdecode(answer.stderr).strip().splitlines()[-3:])
        raise CannotError(f"`{' '.join(command)}` failed: {tail}")
    return answer.stdout


@dataclass(frozen=True)
class Limits:
    """Seconds; 0 is no limit."""

    prepare: int = 0  # until the command begins: waiting for another run, the root, the packages
    command: int = 0


@dataclass(frozen=True)
class Shown:
    """Folders of this machine that the command sees in the root."""

    data: Path | None  # public datasets; None where there are none
    jars: Path  # of Flink and Spark: made where it is not there


def run(folder: Path, shown: Shown, command: list[str], limits: Limits) -> int:
    """Makes the root where there is none, brings the checkout in, sets up and runs the command.

    Raises:
      CannotError: a root cannot be had here, or not within its limit.
      OSError: the folder cannot be written.
      StepError: the locked packages cannot be installed, or the command does not end.
    """
    root = folder / "root"
    host = inspect_host(folder)
    reason = obstacle(host, is_made(root))
    if reason:
        raise CannotError(reason)
    folder.mkdir(parents=True, exist_ok=True)
    shown.jars.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        late: Exception = CannotError(f"preparing took more than {limits.prepare} s")
        with within(limits.prepare, late):
            fcntl.flock(lock, fcntl.LOCK_EX)
            _prepare(root, host)
        late = StepError(f"`{' '.join(command)}` did not end within {limits.command} s")
        with within(limits.command, late), _step(" ".join(command)):
            code = enter(root, PLACE, command, shown.data, jars=shown.jars)
    return 1 if code == CANNOT else code


def _prepare(root: Path, host: Host) -> None:
    if not is_made(root):
        with _step(f"a Debian {RELEASE} root in {root}"):
            make_root(root, host.programs)
    copy_settings(root)
    _empty(root / "tmp")
    copy_checkout(ROOT, root / PLACE.relative_to("/"))
    said: list[str] = []
    if enter(root, Path("/"), ["true"], said=said):
        raise CannotError(f"the root cannot be entered: {' | '.join(said[-3:]).strip()}")
    if not has_java(root):  # in a root of before it was asked for, too
        with _step("Java and Maven"):
            _try_java(root)
    with _step("make setup"):
        code = enter(root, PLACE, ["make", "setup"], said=said)
    if code:
        raise setup_error(said, code)


def _try_java(root: Path) -> None:
    reason = bring_java(root)
    if reason:  # the tests of Flink and Spark skip then; all others are worth their while
        print(f"newer_stack: no Java in the root: {reason}", file=sys.stderr, flush=True)


def setup_error(said: list[str], code: int) -> Exception:
    """What a failed `make setup` means, by what it said and how it ended.

    Returns:
      A CannotError where the machine or the network was to blame, a StepError otherwise.
    """
    fault = machine_fault(said, code)
    if fault is not None:
        return CannotError(f"packages cannot be installed: {fault}")
    return StepError("`make setup` failed in the root")


@contextlib.contextmanager
def within(seconds: int, late: Exception) -> Iterator[None]:
    """Raises `late` in the block when it has taken `seconds`; 0 is no limit."""

    def stop(_number: int, _frame: object) -> None:
        raise late

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _refuse_native() -> None:
    with contextlib.suppress(NoStackError):
        choice = choose(inspect_machine())
        if choice.stack == NEWER_STACK_NAME:
            raise CannotError(f"{choice.stack} is this machine's own stack: {choice.reason}")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o1777)


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    start = time.monotonic()
    print(f"newer_stack: {what} ...", file=sys.stderr, flush=True)
    yield
    seconds = time.monotonic() - start
    print(f"newer_stack: {what}: {seconds:.0f} s", file=sys.stderr, flush=True)


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)  # through `enter`, which ends what runs in the root


def parse_options() -> argparse.Namespace:
    """The command line, with the folders that this machine's environment names."""
    # os.path leaves a home that is not known as it is, where pathlib raises.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "rankbeam"
    folder = os.environ.get("RANKBEAM_NEWER_STACK") or cache / "newer-stack"
    shared = os.environ.get("RANKBEAM_SHARED_DATA") or ROOT.parent / "shared" / "data"
    jars = Path(os.environ.get("RANKBEAM_CACHE_DIR") or cache) / "engines"
    parser = argparse.ArgumentParser(description="Run COMMAND on TFX 1.21 in a Debian 13 root.")
    parser.add_argument("--folder", type=Path, default=Path(folder), help="(default: %(default)s)")
    parser.add_argument("--shared-data", type=Path, default=Path(shared), help="public datasets")
    parser.add_argument("--jars", type=Path, default=jars, help="of engines (%(default)s)")
    parser.add_argument(
        "--unless-native",
        action="store_true",
        help=f"exit with {CANNOT} where `make setup` itself takes the newer stack",
    )
    parser.add_argument(
        "--prepare-within", type=int, default=0, metavar="SECONDS", help=f"else {CANNOT}"
    )
    parser.add_argument(
        "--within", type=int, default=0, metavar="SECONDS", help="of COMMAND; else 1"
    )
    parser.add_argument("command", nargs="+", help="for example: make test")
    return parser.parse_args()


def main() -> int:
    """Runs the command in the root; returns the exit code."""
    options = parse_options()
    signal.signal(signal.SIGTERM, _stop)
    data = options.shared_data.resolve()
    shown = Shown(data if os.path.isdir(data) else None, options.jars.resolve())
    try:
        if options.unless_native:
            _refuse_native()
        limits = Limits(options.prepare_within, options.within)
        return run(options.folder.resolve(), shown, options.command, limits)
    except (CannotError, OSError) as error:  # OSError: of this program's own files
        print(f"newer_stack: cannot be done here: {error}", file=sys.stderr)
        return CANNOT
    except StepError as error:
        print(f"newer_stack: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
