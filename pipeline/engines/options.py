"""What `rankbeam engine up` is asked for, checked before anything starts."""

import os
from dataclasses import dataclass, field

from rankbeam.transform.errors import ConfigError

DEFAULT_PORT = 8099
DEFAULT_WEB_PORT = 8081


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class EngineOptions:
    """How an engine is started.

    Attributes:
        slots: Tasks that run at the same time, per task manager.
        memory_mb: Java heap of the process that runs the tasks.
        port: Port of Beam's job service.
        task_managers: Flink only: processes of their own that run tasks; 0 runs them inside the
            job server.
        web_port: Flink with task managers only: its page and REST service; by default 8081.
        timeout_s: Time for the engine to answer.
        settings: Flink only: further keys of its configuration file.

    Raises:
        ConfigError: A value breaks a rule.
    """

    slots: int = field(default_factory=usable_cores)
    memory_mb: int = 2048
    port: int = DEFAULT_PORT
    task_managers: int = 0
    web_port: int | None = None
    timeout_s: float = 120.0
    settings: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("slots", 1), ("memory_mb", 512), ("task_managers", 0)):
            value = getattr(self, name)
            if value < least:
                flag = name.removesuffix("_mb").replace("_", "-")
                raise ConfigError(f"--{flag} must be >= {least}; got {value}")
        for flag, port in (("port", self.port), ("web-port", self.rest_port)):
            if not 0 < port < 1 << 16:
                raise ConfigError(f"--{flag} must be a port from 1 to 65535; got {port}")
        if self.web_port is not None and not self.task_managers:
            raise ConfigError(
                f"--web-port must be left out without --task-managers; got {self.web_port}"
            )

    @property
    def rest_port(self) -> int:
        """Port of Flink's page and REST service, where it has one."""
        return DEFAULT_WEB_PORT if self.web_port is None else self.web_port

    def by_flag(self) -> dict[str, str]:
        """What the engine runs with, by the flags that ask for it.

        The time to answer is not among them: it is the command's, not the engine's.
        """
        settings = sorted(dict(self.settings).items())
        return {
            "--slots": str(self.slots),
            "--memory": str(self.memory_mb),
            "--port": str(self.port),
            "--task-managers": str(self.task_managers),
            "--web-port": str(self.rest_port) if self.task_managers else "none",
            "--setting": ", ".join(f"{key}={value}" for key, value in settings) or "none",
        }


def parse_settings(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """`KEY=VALUE` texts as pairs.

    Raises:
        ConfigError: A text has no `=`.
    """
    pairs = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--setting must be KEY=VALUE; got {text}")
        pairs.append((key.strip(), value.strip()))
    return tuple(pairs)
