"""An engine's jars: fetched once by Maven, as its pom says, and kept in the user's cache."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rankbeam.pipeline.engines.java import find_maven
from rankbeam.pipeline.engines.places import EngineKind, Places
from rankbeam.transform.errors import EnvironmentFault

# In full, with the version left to the pom: Maven does not say why it cannot look up a prefix.
_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
_TAIL_LINES = 12
# Lines of Maven's errors that tell of Maven only.
_HELP = re.compile(
    r"^\[ERROR\]\s*(?:$|-> \[Help|\[Help|To see the full|Re-run Maven|For more info)"
)


def pom_of(kind: EngineKind) -> Path:
    """The pom that lists an engine's jars."""
    return Path(__file__).resolve().parent / kind / "pom.xml"


def have_jars(kind: EngineKind, places: Places) -> bool:
    """Whether the jars are in the cache already."""
    return _folder(kind, places).is_dir()


def fetch_jars(kind: EngineKind, places: Places, say: Callable[[str], None]) -> Path:
    """Folder with an engine's jars, fetched where it is not there yet.

    Two commands at once fetch once: the second waits. A fetch that is cut short leaves nothing
    under the folder's name.

    Args:
        kind: Which engine.
        places: The user's folders.
        say: Is told once where a fetch begins.

    Raises:
        EnvironmentFault: Maven is missing, cannot reach a repository, or the cache not be written.
    """
    folder = _folder(kind, places)
    fetch_pom(kind, pom_of(kind), folder, say)
    return folder


def fetch_pom(name: str, pom: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Fetch the jars that a pom lists into a folder, unless it is there; see `fetch_jars`.

    Raises:
        EnvironmentFault: See there.
    """
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(folder.with_suffix(".lock")):
            if not folder.is_dir():
                say(f"fetching the jars of {name} with Maven into {folder}")
                _fetch(pom, folder)
    except OSError as error:
        raise EnvironmentFault(
            f"the cache folder must be writable; got {folder.parent}: {error.strerror}"
        ) from None


def _folder(kind: EngineKind, places: Places) -> Path:
    digest = hashlib.sha256(pom_of(kind).read_bytes()).hexdigest()[:12]
    return places.jars(kind, digest)


def _fetch(pom: Path, folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [
        find_maven(),
        "--batch-mode",
        # Without it Maven 3.9 does not say why it cannot reach a repository.
        "-X",
        "--file",
        str(pom),
        _GOAL,
        "-DincludeScope=runtime",
        f"-DoutputDirectory={partial}",
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise EnvironmentFault(
            f"mvn must be a program that can be run; got {command[0]}: {error.strerror}"
        ) from None
    if done.returncode != 0 or not any(partial.glob("*.jar")):
        tail = _fault(done.stdout) or "\n".join(
            (done.stdout + done.stderr).splitlines()[-_TAIL_LINES:]
        )
        shutil.rmtree(partial, ignore_errors=True)
        raise EnvironmentFault(
            f"Maven must fetch the jars of {pom}; got exit code {done.returncode}:\n{tail}"
        )
    os.replace(partial, folder)


def _fault(said: str) -> str:
    """Maven's errors, the root cause behind the last; '' where it tells none."""
    lines = said.splitlines()
    errors = [line for line in lines if line.startswith("[ERROR]") and not _HELP.search(line)]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    if errors and causes:
        errors[-1] += f" ({causes[-1]})"
    return "\n".join(errors[-_TAIL_LINES:])


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
