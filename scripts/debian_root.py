"""A Debian root that debootstrap makes, and commands that run in it.

Mounts and processes of a command live in namespaces of its own: they end with it, however it ends.
Runs on any Python 3.8+, before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

RELEASE = "trixie"
RELEASE_SCRIPTS = Path("/usr/share/debootstrap/scripts")
# What `make setup` needs on a bare machine; the rest is for tests.
INCLUDED = "ca-certificates,curl,g++,git,make,procps,python3,python3-dev,python3-venv"
_STAMP = "made"
# Bytes of a root with its packages, uv's cache of them and what tests write; 7.4 GB were measured.
ROOM = 10 * 10**9
ROOM_AGAIN = 2 * 10**9  # where root and packages stand already: tests write 1.6 GB
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
JAVA_CERTIFICATES = "/etc/ssl/certs/java/cacerts"  # Debian's; Java reads no other
HOME = pwd.getpwuid(0).pw_dir  # of the user who runs this, here and in the root
# How this machine finds names and packages; the root is to do the same.
NETWORK_FILES = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/uv/uv.toml"),
    *(f"{HOME}/.m2/settings.xml", JAVA_CERTIFICATES),
)
NETWORK_VARIABLES = {
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("pip_index_url", "pip_extra_index_url", "pip_default_timeout"),
    *("uv_default_index", "uv_index", "uv_http_timeout"),
}

# Where the user of a command in the root keeps the jars of Flink and Spark.
JARS = f"{HOME}/.cache/rankbeam/engines"

# The arguments: root, shared data or '', jars or '', place, command... The shell stays as process 1
# of the namespace, where it reaps what the tests leave behind; its end kills the rest.
_ENTER = f"""
root=$1 data=$2 jars=$3 place=$4; shift 4
mount --bind "$root" "$root"  # so that what runs inside can make namespaces in its turn
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
if [ -n "$data" ]; then
    mkdir -p "$root${{place%/*}}/shared/data"
    mount --bind "$data" "$root${{place%/*}}/shared/data"
    mount -o remount,bind,ro "$root${{place%/*}}/shared/data"
fi
if [ -n "$jars" ]; then
    mkdir -p "$root{JARS}"
    mount --bind "$jars" "$root{JARS}"
fi
code=0
chroot "$root" sh -c 'cd "$0" && exec "$@"' "$place" "$@" || code=$?
exit "$code"
"""


class CannotError(Exception):
    """A root cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Host:
    """What decides whether a root can be had."""

    system: str
    architecture: str
    user: int
    programs: frozenset[str]
    namespaces: str  # '' where they can be made, else what `unshare` said
    room: int  # bytes free where the root is to stand


def inspect_host(folder: Path) -> Host:
    """Asks this machine; the root is to stand in `folder`, which need not be there yet."""
    wanted = ("apt-get", "chroot", "debootstrap", "git", "mount", "setpriv", "unshare")
    programs = frozenset(name for name in wanted if shutil.which(name))
    said = ""
    if "unshare" in programs:
        answer = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/tmp"],
            capture_output=True,
            text=True,
            check=False,
        )
        said = answer.stderr.strip() if answer.returncode else ""
    # os.path, since pathlib raises where this user may not look, which `obstacle` is to tell.
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    room = shutil.disk_usage(there).free
    return Host(platform.system(), platform.machine(), os.geteuid(), programs, said, room)


def obstacle(host: Host, has_root: bool) -> str | None:
    """What stands in the way of a root, in one line; None where nothing does.

    Args:
      host: the machine.
      has_root: whether an earlier run left a complete root.
    """
    if (host.system, host.architecture) != ("Linux", "x86_64"):
        return f"TFX has wheels for Linux on x86_64 only, not {host.system} on {host.architecture}"
    if host.user != 0:
        return f"making and entering a Debian root needs root's rights; this is user {host.user}"
    missing = {"chroot", "git", "mount", "setpriv", "unshare"} - host.programs
    if missing:
        return f"programs are missing: {', '.join(sorted(missing))}"
    if host.namespaces:
        return f"this root user may not make namespaces and mounts ({host.namespaces})"
    if not has_root and not host.programs & {"debootstrap", "apt-get"}:
        return "there is no debootstrap, and no apt-get to install it with"
    what, room = ("tests in the root take", ROOM_AGAIN) if has_root else ("a root takes", ROOM)
    if host.room < room:
        return f"{what} up to {room / 1e9:.0f} GB; {host.room / 1e9:.1f} are free"
    return None


def is_made(root: Path) -> bool:
    """Whether an earlier run made the root, whole and with today's packages."""
    stamp = root / _STAMP
    return os.path.exists(stamp) and stamp.read_text() == INCLUDED


def make_root(root: Path, programs: frozenset[str]) -> None:
    """Makes the root with debootstrap; replaces what may stand there.

    Raises:
      CannotError: debootstrap cannot be installed, does not know the release or fails.
    """
    if "debootstrap" not in programs:
        _attempt(["apt-get", "update", "-qq"])
        packages = ["debootstrap", "debian-archive-keyring", "gpgv"]
        _attempt(["apt-get", "install", "-qq", "--no-install-recommends", *packages])
    if not (RELEASE_SCRIPTS / RELEASE).exists():
        raise CannotError(f"this debootstrap is too old to know Debian's {RELEASE}")
    shutil.rmtree(root, ignore_errors=True)
    options = ["--variant=minbase", "--force-check-gpg", f"--include={INCLUDED}"]
    _attempt(_isolated(["debootstrap", *options, RELEASE, str(root)]))
    (root / _STAMP).write_text(INCLUDED)


def _attempt(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    answer = subprocess.run(
        command,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if answer.returncode:
        tail = " | ".join(answer.stdout.strip().splitlines()[-3:])
        name = " ".join(part for part in command if not part.startswith("-"))
        raise CannotError(f"`{name}` failed: {tail}")


def copy_settings(root: Path) -> None:
    """Copies how this machine resolves names, finds packages and trusts certificates."""
    for name in NETWORK_FILES:
        if os.path.exists(name):
            _copy(Path(name), root / name[1:])
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if bundle and os.path.exists(bundle):
        _copy(Path(bundle), root / CERTIFICATES[1:])


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # a link there would lead out of the root
    shutil.copyfile(source, target)


def environment_inside(outside: dict[str, str]) -> dict[str, str]:
    """The command's environment: a plain one, with this machine's network and BLAS settings."""
    kept = {
        name: value
        for name, value in outside.items()
        if name.lower() in NETWORK_VARIABLES or name.startswith(("OPENBLAS_", "OMP_"))
    }
    certificates = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
    return {
        **kept,
        **dict.fromkeys(certificates, CERTIFICATES),
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": outside.get("TERM", "dumb"),
    }


def enter(
    root: Path,
    place: Path,
    command: list[str],
    data: Path | None = None,
    *,
    jars: Path | None = None,
    said: list[str] | None = None,
) -> int:
    """Runs a command inside, in namespaces that end with it; returns its exit code.

    Args:
      root: the folder that is `/` for the command.
      place: its working directory, as a path inside.
      command: the program and its arguments.
      data: the public datasets, shown read-only as `../shared/data` of the place.
      jars: a folder outside for the jars of Flink and Spark, which are the same on both stacks.
      said: gets the lines that the command writes; then all of them are shown on stderr.
    """
    folders = (root, data or "", jars or "", place)
    script = ["sh", "-ec", _ENTER, "enter", *map(str, folders), *command]
    process = subprocess.Popen(
        _isolated(script),
        env=environment_inside(dict(os.environ)),
        stdout=None if said is None else subprocess.PIPE,
        stderr=None if said is None else subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        for line in process.stdout or ():
            print(line, end="", file=sys.stderr, flush=True)
            if said is not None:
                said.append(line)
        return process.wait()
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    """Ends what `_isolated` started, and returns when nothing of it runs any more.

    The first process of a PID namespace is gone only after all others of it, and `unshare` after
    that one. Were `unshare` killed, the rest would follow a moment after this function.
    """
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    first = children.read_text().split() if process.poll() is None and children.exists() else []
    for pid in first:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    if not first:
        process.kill()
    process.wait()


def _isolated(command: list[str]) -> list[str]:
    """Gives a command namespaces of its own, which die with it and with this process."""
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    return ["setpriv", "--pdeathsig", "KILL", *namespaces, *command]
