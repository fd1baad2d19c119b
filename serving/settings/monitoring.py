"""Whether and where Prometheus finds metrics: TensorFlow Serving's monitoring config file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankbeam.serving.settings import protos, text
from rankbeam.serving.settings.checks import require

DEFAULT_PATH = "/monitoring/prometheus/metrics"


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """Metrics over HTTP.

    TensorFlow Serving shows none unless a file says so; this server does, since a page more harms
    nobody. A file is followed to the letter.

    Attributes:
        enabled: whether there is such a page.
        path: its path on the REST port.
    """

    enabled: bool = True
    path: str = DEFAULT_PATH

    def __post_init__(self) -> None:
        """Refuses a path that HTTP could not ask for.

        Raises:
            InvalidSetting: it does not begin with a slash, or with that of the models.
        """
        rule = "begin with / and not with /v1/"
        holds = self.path.startswith("/") and not self.path.startswith("/v1/")
        require(holds, "path", rule, repr(self.path))


def read_monitoring(path: Path) -> MonitoringSettings:
    """The settings of a `--monitoring_config_file`.

    Raises:
        ConfigError: it cannot be read, is no MonitoringConfig, or its path is none.
    """
    return text.read(path, protos.MonitoringConfig, "monitoring_config_file").convert(_of)


def _of(config: Any) -> MonitoringSettings:
    prometheus = config.prometheus_config
    return MonitoringSettings(enabled=prometheus.enable, path=prometheus.path or DEFAULT_PATH)
