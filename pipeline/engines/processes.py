"""The processes of an engine: started in sessions of their own, found again by a mark.

Ids in a file would miss what a killed command had just started, and the Python workers that task
managers start by themselves. The mark is a variable in the environment, which children inherit and
the kernel shows in /proc.
"""

import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

MARK_VARIABLE = "RANKBEAM_ENGINE"

_POLL_S = 0.05
_BECOMING_S = 1.0
_CLOSING_S = 10.0
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD of the kernel's include/linux/sched.h


def start_marked(
    command: Sequence[str], mark: str, log: Path, environment: Mapping[str, str] | None = None
) -> int:
    """Start a process that outlives this one, with its output appended to `log`; returns its id.

    Args:
        command: Program and arguments.
        mark: What `marked` finds it and all its descendants by.
        log: File for standard output and standard error.
        environment: Variables beside this process's own.

    Raises:
        OSError: It cannot be started, or the log not written.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log.parent,
            env={**os.environ, **(environment or {}), MARK_VARIABLE: mark},
        )
    # Nobody waits for it: where this process lives on (a test, a notebook), the kernel should not
    # keep the ended one as a zombie that Popen's destructor warns of.
    process.returncode = 0
    return process.pid


def marked(mark: str) -> list[int]:
    """Ids of the living processes that bear `mark`, of this user."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            # A zombie's environment is empty, so it does not count.
            variables = _environment(entry).split(b"\0")
        except OSError:
            continue  # gone in the meantime, or another user's
        if wanted in variables:
            found.append(int(entry.name))
    return sorted(found)


def _environment(entry: Path) -> bytes:
    """A process's variables; of one that is just becoming another program, when it has."""
    deadline = time.monotonic() + _BECOMING_S
    while not (variables := (entry / "environ").read_bytes()):
        if not _is_becoming(entry) or time.monotonic() >= deadline:
            return (entry / "environ").read_bytes()  # it may have become it in between
    return variables


def _is_becoming(entry: Path) -> bool:
    # proc(5), after pid and command: state, ..., flags (field 9), ..., env_end (field 51), which is
    # 0 until the kernel has put the new program's variables in place.
    stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    fields = stat.rpartition(")")[2].split()
    state, flags, end = fields[0], int(fields[6]), int(fields[48])
    return state not in "ZX" and not flags & _KERNEL_THREAD and end == 0


def end_marked(mark: str, grace_s: float) -> int:
    """End all that bear `mark`: politely, then after `grace_s` by force; returns how many."""
    ended: set[int] = set()
    deadline = time.monotonic() + grace_s
    how = signal.SIGTERM
    while living := marked(mark):
        late = time.monotonic() >= deadline
        if late:
            how = signal.SIGKILL
        for pid in living:
            if late or pid not in ended:
                _signal(pid, how)
        ended.update(living)
        _reap(living)
        time.sleep(_POLL_S)
    _await_closed(ended)
    return len(ended)


def _await_closed(pids: Collection[int]) -> None:
    """Wait until processes that bear no mark any more have closed their files and ports.

    The kernel takes a process's memory first, and the environment with it. Gigabytes take seconds,
    in which its port still counts as taken. It is bounded, as an id may have been given again.
    """
    deadline = time.monotonic() + _CLOSING_S
    while any(_has_threads(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        _reap(pids)


def _has_threads(pid: int) -> bool:
    """Whether a thread of the process has not ended; the first one may, long before the others."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False
    return any(_state(thread / "stat") not in "ZX" for thread in threads)


def _state(stat: Path) -> str:
    """R, S, D ... of a process or thread; X, which is dead, where it is gone."""
    try:
        # proc(5): pid (command) state ...; Z is a zombie.
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def is_marked(pid: int, mark: str) -> bool:
    """Whether process `pid` lives and bears `mark`; an id that was given again does not."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    if not variables:
        # Empty for a moment while a living process becomes another program.
        return _state(Path(f"/proc/{pid}/stat")) not in "ZX"
    return f"{MARK_VARIABLE}={mark}".encode() in variables.split(b"\0")


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _reap(pids: Collection[int]) -> None:
    """Collect those that are this process's own children."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
