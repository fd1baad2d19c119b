"""Taking turns at a destination that cannot be locked: a file per pusher, seen by all others.

Whoever wants to push writes a claim of its own and then lists all claims. Alone, it may push; with
others, it withdraws and tries again later. Where a listing shows every file that was written
before it (GCS, S3 since 2020, HDFS), two pushers are never both alone: of two claims, the later
one's listing shows the earlier. A killed push leaves its claim, which counts for an hour.
"""

import logging
import os
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tfx.dsl.io import fileio

from rankbeam.components.remote.files import os_errors, read_bytes, write_bytes
from rankbeam.transform.errors import EnvironmentFault

_log = logging.getLogger(__name__)

CLAIMS_FOLDER = ".rankbeam-push-claims"
"""Below the destination; servers look at folders with a number for a name only."""


@dataclass(frozen=True)
class Patience:
    """How long a push waits for its turn.

    Attributes:
        wait_s: Longest wait for others.
        pause_s: Mean wait before the next try.
        stale_s: Age at which a claim is given up for that of a killed push.
    """

    wait_s: float = 600.0
    pause_s: float = 3.0
    stale_s: float = 3600.0


@dataclass(frozen=True)
class Claim:
    """This pusher's turn.

    Attributes:
        uri: Its file.
    """

    uri: str

    def check(self) -> None:
        """Check that the turn is not over: a push that takes an hour is given up by others.

        Raises:
            EnvironmentFault: The claim is gone.
        """
        with os_errors():
            if not fileio.exists(self.uri):
                raise EnvironmentFault(f"push must keep its turn; its claim {self.uri} is gone")


@contextmanager
def claimed(destination: str, patience: Patience | None = None) -> Iterator[Claim]:
    """This pusher's turn at a destination, for the block's time.

    Args:
        destination: URI of the folder of versions.
        patience: How long to wait for it.

    Raises:
        EnvironmentFault: Others have their turn all the time.
        OSError: The destination cannot be written.
    """
    patience = patience or Patience()
    folder = f"{destination.rstrip('/')}/{CLAIMS_FOLDER}"
    mine = f"{os.getpid()}-{secrets.token_hex(8)}"
    claim = Claim(f"{folder}/{mine}")
    deadline = time.monotonic() + patience.wait_s
    try:
        while True:
            write_bytes(claim.uri, f"{time.time():.3f}\n".encode())
            rivals = _rivals(folder, mine, patience.stale_s)
            if not rivals:
                break
            _remove(claim.uri)
            if time.monotonic() > deadline:
                raise EnvironmentFault(
                    f"push.destination must be free within {patience.wait_s:g} s; another push "
                    f"holds {folder}/{rivals[0]} (remove that file if there is none)"
                )
            time.sleep(random.uniform(0, 2 * patience.pause_s))
        yield claim
    finally:
        _remove(claim.uri)


def _rivals(folder: str, mine: str, stale_s: float) -> list[str]:
    """Names of others' claims; stale ones are removed."""
    with os_errors():
        names = sorted(name.rstrip("/") for name in fileio.listdir(folder))
    found = []
    for name in names:
        if name == mine:
            continue
        try:
            begun = float(read_bytes(f"{folder}/{name}"))
        except FileNotFoundError:  # withdrawn meanwhile
            continue
        except ValueError:  # still being written
            begun = time.time()
        if time.time() - begun > stale_s:
            _log.warning("removing the claim of a push that was killed: %s/%s", folder, name)
            _remove(f"{folder}/{name}")
        else:
            found.append(name)
    return found


def _remove(uri: str) -> None:
    try:
        with os_errors():
            fileio.remove(uri)
    except FileNotFoundError:
        pass
    except OSError as error:
        _log.warning("cannot remove the claim %s: %s", uri, error)
