"""The request logs of a server's models, and their change when the model config is reloaded."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from rankbeam.serving.request_log.log import LogCounter, RequestLog
from rankbeam.serving.settings.logging import LoggingSettings


class LoggedModel(Protocol):
    """What is needed of `rankbeam.serving.settings.model.ModelSettings`."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def logging(self) -> LoggingSettings | None:
        """Its log, if it has one."""


class RequestLogs(Mapping[str, RequestLog]):
    """Model name to its request log, for the models that have one."""

    def __init__(self, counter: LogCounter) -> None:
        self._counter = counter
        self._logs: dict[str, RequestLog] = {}
        self._ended: list[RequestLog] = []
        self._updating = threading.Lock()

    def __getitem__(self, model: str) -> RequestLog:
        return self._logs[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._logs)

    def __len__(self) -> int:
        return len(self._logs)

    def update(self, models: Iterable[LoggedModel]) -> None:
        """Opens, reopens and closes logs; those whose settings are the same go on undisturbed."""
        with self._updating:
            ended = self._replace(models)
            for log in ended:
                log.close()
                if log.settings.archive is not None:
                    self._ended.append(log)

    def close(self) -> None:
        """Flushes and closes all logs."""
        self.update(())

    def join_archives(self) -> None:
        """Waits, once closed, until finished files have been moved to their archives."""
        for log in self._ended:
            log.join_archive()

    def _replace(self, models: Iterable[LoggedModel]) -> list[RequestLog]:
        """Makes the logs those of the models; returns the ones that end."""
        wanted = {model.name: model.logging for model in models if model.logging is not None}
        kept = {name: log for name, log in self._logs.items() if wanted.get(name) == log.settings}
        ended = [log for name, log in self._logs.items() if name not in kept]
        opened = {
            name: RequestLog(name, settings, self._counter)
            for name, settings in wanted.items()
            if name not in kept
        }
        # At once: a request that is answered now finds the old logs or the new ones.
        self._logs = {**kept, **opened}
        return ended


def request_logs(models: Iterable[LoggedModel], metrics: LogCounter) -> RequestLogs:
    """Opens the request logs of the models that have one.

    Args:
        models: the models to serve.
        metrics: told what is written and dropped.
    """
    logs = RequestLogs(metrics)
    logs.update(models)
    return logs
