"""A server process whose end, log, memory, descriptors and threads a test looks at."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rankbeam.serving.client import ChannelOptions
from rankbeam.serving.versions import list_versions
from tests.serving.waiting import NAME, wait_available

HOST = "127.0.0.1"
# Set before the server's own Python starts, so that libraries size their pools by it.
_ON_ONE_CORE = (
    sys.executable,
    "-c",
    "import os, sys\n"
    "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, or did.

    Attributes:
        process: the process.
        port: its gRPC port.
        rest_port: its REST port.
        log: the file that its standard error goes to.
        channel: how gRPC clients connect.
    """

    process: "subprocess.Popen[str]"
    port: int
    rest_port: int
    log: Path
    channel: ChannelOptions | None = None

    @property
    def target(self) -> str:
        """Where gRPC clients find it."""
        return f"{HOST}:{self.port}"

    def memory(self) -> int:
        """Resident memory in bytes."""
        return 1024 * self._status("VmRSS")

    def cores(self) -> int:
        """How many cores it may use."""
        return len(os.sched_getaffinity(self.process.pid))

    def threads(self) -> int:
        """How many threads it has."""
        return self._status("Threads")

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def _status(self, field: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0])
        raise AssertionError(f"no {field} in /proc/{self.process.pid}/status")

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def terminate(self, timeout_s: float = 60.0) -> int:
        """Sends SIGTERM and waits; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


def launch(
    log: Path,
    *flags: str,
    port: int | None = None,
    one_core: bool = False,
    channel: ChannelOptions | None = None,
) -> Server:
    """Starts `rankbeam.serving.server_main`; returns once it listens.

    Args:
        log: takes its standard error, behind what is there already.
        flags: the server's.
        port: gRPC port; by default a free one.
        one_core: whether it has a single core, from its start.
        channel: how gRPC clients connect.
    """
    ports = [port or free_port(), free_port()]  # a REST port of 0 would be none
    command = [*(_ON_ONE_CORE if one_core else ()), sys.executable]
    command += ["-m", "rankbeam.serving.server_main", *flags]
    command += [f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stream, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the server ended with code {process.wait()}; its log:\n{log.read_text()}"
    announced = json.loads(line)
    return Server(process, announced["grpc_port"], announced["rest_port"], log, channel)


@contextmanager
def serving(
    base_path: Path,
    log: Path,
    *flags: str,
    one_core: bool = False,
    channel: ChannelOptions | None = None,
) -> Iterator[Server]:
    """A server of the model `tiny` with a version AVAILABLE; killed at the end if it still runs."""
    model = (f"--model_name={NAME}", f"--model_base_path={base_path}")
    server = launch(log, *model, *flags, one_core=one_core, channel=channel)
    try:
        wait_available(server.target, max(list_versions(base_path)), channel=channel)
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
