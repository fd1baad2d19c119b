"""Whose fault a failed `make setup` is, from what uv 0.13, pip 23 and compilers really said."""

import pytest

from scripts.debian_root import CannotError
from scripts.newer_stack import StepError, setup_error

MAKE = "make: *** [Makefile:41: .venv/.synced] Error 2"
STALE = "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided."
RETRIED = (
    "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionErr("
    "'<HTTPSConnection>: Failed to establish a new connection: [Errno 111] Connection refused')'"
)


def _verdict(said: str, code: int = 2) -> Exception:
    lines = ["Resolved 381 packages in 7ms", *said.splitlines(), MAKE]
    return setup_error([f"{line}\n" for line in lines], code)


def _uvs(*causes: str) -> str:
    hint = "hint: `redis` (v5.3.1) was included because `rankbeam` (v0.1.0) depends on `redis`"
    first = "error: Failed to download `redis==5.3.1`"
    return "\n".join([first, *(f"  cause: {cause}" for cause in causes), "", hint])


MACHINE = {
    "nothing listens": (
        _uvs("Request failed after 3 retries", "error sending request for url (https://registry)"),
        "error sending request",
    ),
    "proxy wants a password": (
        _uvs("client error (Connect)", "tunnel error: proxy authorization required"),
        "tunnel error: proxy authorization required",
    ),
    "proxy forbids": (_uvs("tunnel error: unsuccessful"), "tunnel error: unsuccessful"),
    "registry forbids": (
        _uvs("HTTP status client error (403 Forbidden) for url (https://registry/redis.whl)"),
        r"403 Forbidden",
    ),
    "proxy's own answer": (
        _uvs("HTTP status client error (407 Proxy Authentication Required) for url (https://r)"),
        r"407 Proxy",
    ),
    "registry is down": (
        _uvs("HTTP status server error (503 Service Unavailable) for url (https://registry)"),
        r"503 Service",
    ),
    "answer is cut": (
        _uvs("Failed to read from zip file", "error decoding response body"),
        "error decoding response body",
    ),
    "answer ends early": (
        _uvs("request or response body error", "end of file before message length reached"),
        "request or response body error",
    ),
    "disk is full": (_uvs("No space left on device (os error 28)"), "No space left on device"),
    "pip finds no index": (
        f"{RETRIED}\n"
        "ERROR: Could not find a version that satisfies the requirement uv==0.13.8 "
        "(from versions: none)\n"
        "ERROR: No matching distribution found for uv==0.13.8",
        r"\(from versions: none\)",
    ),
    "compiler without memory": (
        "error: Failed to build `pyfarmhash==0.3.2`\n"
        "  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)\n"
        "      g++: fatal error: Killed signal terminated program cc1plus\n"
        "      error: command '/usr/bin/g++' failed with exit code 1",
        "Killed signal terminated program cc1plus",
    ),
    "one of several runs out": (
        f"{STALE}\nerror: Failed to fetch: `https://registry`\n  Caused by: operation timed out",
        "operation timed out",
    ),
}


@pytest.mark.parametrize("case", MACHINE)
def test_setting_up_without_network_or_room_is_no_fault_of_the_project(case: str) -> None:
    said, reason = MACHINE[case]
    with pytest.raises(CannotError, match=f"^packages cannot be installed: .*{reason}") as caught:
        raise _verdict(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "last", "reason"),
    [
        (137, "", "it was ended by SIGKILL"),
        (-15, "", "it was ended by SIGTERM"),
        (2, "make: *** [Makefile:41: .venv/.synced] Error 137", r"was ended by a signal \(make: "),
        (2, "make: *** [Makefile:41: .venv/.synced] Killed", r"was ended by a signal \(make: "),
    ],
)
def test_setting_up_that_a_signal_ends_is_none_either(code: int, last: str, reason: str) -> None:
    with pytest.raises(CannotError, match=f"^packages cannot be installed: .*{reason}"):
        raise setup_error(["Resolved 381 packages in 7ms\n", f"{last}\n"], code)


PROJECT = {
    "stale lock": STALE,
    "stale lock after a retry that worked": f"{RETRIED}\n{STALE}",
    "stale lock after an error of the network": (
        f"error: Failed to fetch: `https://registry`\n  Caused by: connection reset\n{STALE}"
    ),
    "does not build": (
        f"{RETRIED}\nerror: Failed to build `pyfarmhash==0.3.2`\n"
        "  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)\n"
        "      src/farmhash.cc:12:1: error: 'uint128' does not name a type"
    ),
    "file that the lock names is gone": _uvs(
        "HTTP status client error (404 Not Found) for url (h)"
    ),
    "wrong bytes": _uvs("Hash mismatch for `redis==5.3.1`"),
    "version that is not there": (
        "ERROR: Could not find a version that satisfies the requirement uv==0.13.99 "
        "(from versions: 0.13.7, 0.13.8)\n"
        "ERROR: No matching distribution found for uv==0.13.99"
    ),
    "no error told": f"{RETRIED}\ninstalled 380 packages",
    "segmentation fault": "make: *** [Makefile:41: .venv/.synced] Error 139",
}


@pytest.mark.parametrize("case", PROJECT)
def test_setting_up_that_fails_otherwise_is_one(case: str) -> None:
    with pytest.raises(StepError, match=r"^`make setup` failed in the root$"):
        raise _verdict(PROJECT[case])
