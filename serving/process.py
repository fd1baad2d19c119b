"""A real model server as a child process: start, wait until it serves, ask, end.

The server is `tensorflow_model_server` where that is on PATH, else Rankbeam's own. It gets a free
port, logs to a file whose tail goes into every error, and is killed by the kernel when the thread
that started it ends, however that happens.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TextIO

from rankbeam.serving import die_with_parent
from rankbeam.serving.client import PredictClient, ServedVersion
from rankbeam.serving.errors import ModelNotServable, RequestRejected
from rankbeam.serving.status import MACHINE_CODES
from rankbeam.transform.errors import EnvironmentFault

ServerKind = Literal["auto", "tensorflow_model_server", "embedded"]

_BINARY = "tensorflow_model_server"
_POLL_S = 0.05
_STATUS_TIMEOUT_S = 5.0
_LOG_TAIL_LINES = 20

# What tensorflow_model_server logs before it exits because of the model.
_MODEL_REFUSED = "did not become available"

_MACHINE_CODES = {code.value[0] for code in MACHINE_CODES}


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """Which server to start on what.

    Attributes:
        model_name: the name to serve under.
        base_path: the folder with one integer-named folder per version.
        server: which server; `auto` takes `tensorflow_model_server` where it is on PATH.
        rest: whether to serve REST too.
        timeout_s: seconds from the start until a version must be AVAILABLE.
        stop_timeout_s: seconds the server gets to end after SIGTERM before it is killed.
    """

    model_name: str
    base_path: Path
    server: ServerKind = "auto"
    rest: bool = False
    timeout_s: float = 120.0
    stop_timeout_s: float = 15.0


class ServerProcess:
    """A server that runs within a `with` block; inside, a version is AVAILABLE at `target`.

    Attributes:
        kind: `tensorflow_model_server` or `embedded`.
        target: `host:port` of its gRPC service.
        rest_target: `host:port` of its REST service; empty where it serves none.
        pid: its process id.
    """

    def __init__(self, options: ProcessOptions) -> None:
        """Chooses the server; nothing is started.

        Raises:
            EnvironmentFault: `tensorflow_model_server` is asked for and not on PATH.
        """
        self._options = options
        self._binary = _find_binary(options.server)
        self.kind = "embedded" if self._binary is None else _BINARY
        self.target = ""
        self.rest_target = ""
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "ServerProcess":
        """Starts the server and waits.

        Raises:
            EnvironmentFault: it cannot be run, ends, or is not AVAILABLE in time.
            ModelNotServable: it is well and refuses the model.
        """
        deadline = time.monotonic() + self._options.timeout_s
        try:
            self._start()
            self._wait_for_target(deadline)
            self._wait_until_available(deadline)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def client(self, timeout_s: float = 10.0) -> PredictClient:
        """A client of this server's model."""
        return PredictClient(self.target, self._options.model_name, timeout_s=timeout_s)

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """The last lines of the server's log."""
        if self._folder is None:
            return ""
        text = (Path(self._folder.name) / "log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _start(self) -> None:
        # The server runs in this folder: nothing that lies around can shadow what it imports.
        self._folder = tempfile.TemporaryDirectory(prefix="rankbeam-server-")
        folder = Path(self._folder.name)
        launcher = [sys.executable, "-I", die_with_parent.__file__, str(os.getpid())]
        try:
            with (folder / "stdout").open("wb") as out, (folder / "log").open("wb") as log:
                self._process = subprocess.Popen(
                    [*launcher, *self._command()],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=log,
                    cwd=folder,
                )
        except OSError as error:
            raise EnvironmentFault(f"cannot start a model server: {error}") from error
        self.pid = self._process.pid

    def _command(self) -> Sequence[str]:
        model = [
            f"--model_name={self._options.model_name}",
            f"--model_base_path={self._options.base_path.resolve()}",
        ]
        port, rest_port = _free_ports()
        if self._options.rest:
            # Both servers take 0 for no REST at all, so this port cannot be left to them.
            self.rest_target = f"127.0.0.1:{rest_port}"
            model.append(f"--rest_api_port={rest_port}")
        if self._binary is None:
            return [sys.executable, "-m", "rankbeam.serving.server_main", "--port=0", *model]
        self.target = f"127.0.0.1:{port}"
        return [self._binary, f"--port={port}", *model]

    def _wait_for_target(self, deadline: float) -> None:
        """Reads the embedded server's announcement; the other one was told its ports."""
        while not self.target:
            assert self._folder is not None
            with (Path(self._folder.name) / "stdout").open() as stream:
                self.target = _announced_target(stream)
            self._check_alive()
            self._check_time(deadline, "listen")

    def _wait_until_available(self, deadline: float) -> None:
        with self.client(_STATUS_TIMEOUT_S) as client:
            while True:
                try:
                    rows = client.status()
                except (EnvironmentFault, RequestRejected):
                    rows = []  # not listening yet, or the model is not known yet
                if any(row.state == "AVAILABLE" for row in rows):
                    return
                self._raise_if_refused(rows)
                self._check_alive()
                self._check_time(deadline, "make a version AVAILABLE")

    def _raise_if_refused(self, rows: Sequence[ServedVersion]) -> None:
        failed = [row for row in rows if row.state == "END" and row.error_code != 0]
        if not failed or len(failed) < len(rows):
            return
        reasons = "; ".join(f"version {row.version}: {row.error_message}" for row in failed)
        message = f"{self.kind} server cannot load model {self._options.model_name}: {reasons}"
        if any(row.error_code in _MACHINE_CODES for row in failed):
            raise EnvironmentFault(message)
        raise ModelNotServable(message)

    def _check_alive(self) -> None:
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return
        log = self.log_tail()
        message = f"{self.kind} server ended with code {code} before it served"
        if self._binary is not None and _MODEL_REFUSED in log:
            raise ModelNotServable(f"{message}; its log ends:\n{log}")
        raise EnvironmentFault(f"{message}; its log ends:\n{log}")

    def _check_time(self, deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise EnvironmentFault(
                f"{self.kind} server must {what} within {self._options.timeout_s} s; "
                f"its log ends:\n{self.log_tail()}"
            )
        time.sleep(_POLL_S)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(self._options.stop_timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _find_binary(server: ServerKind) -> str | None:
    if server == "embedded":
        return None
    binary = shutil.which(_BINARY)
    if binary is None and server == _BINARY:
        raise EnvironmentFault(f"{_BINARY} must be on PATH; found none (PATH={os.environ['PATH']})")
    return binary


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:  # both open, hence two ports
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _announced_target(stream: TextIO) -> str:
    """`host:port` of gRPC from the announcement, or nothing while it is not fully written."""
    for line in stream:
        if line.endswith("\n") and line.startswith("{"):
            announced = json.loads(line)
            return f"{announced['host']}:{announced['grpc_port']}"
    return ""
