"""Rankbeam's own server takes the generated settings as TensorFlow Serving does."""

from pathlib import Path

from rankbeam.serving.flags import parse
from rankbeam.serving.manifests.generate import generate
from rankbeam.serving.manifests.server_flags import server_flags
from rankbeam.serving.manifests.writer import write_files
from rankbeam.serving.policy import Latest
from rankbeam.serving.settings.batching_file import read_batching
from rankbeam.serving.settings.model_config import read_models
from rankbeam.serving.settings.monitoring import MonitoringSettings, read_monitoring
from tests.serving.manifests.plans import BATCHING, EVERYTHING, OUTPUT, plan


def test_the_embedded_server_reads_every_settings_file(tmp_path: Path) -> None:
    wanted = plan(EVERYTHING, batching=BATCHING, logs_requests=True)
    write_files(tmp_path, generate(wanted, OUTPUT, ["settings"]).files, force=False)
    (model,) = read_models(tmp_path / "config/models.config")
    assert (model.name, model.base_path) == ("shop", Path("/models/shop"))
    assert model.policy == Latest(3)
    assert model.logging is None
    batching = read_batching(tmp_path / "config/batching.config")
    assert batching == BATCHING.settings()
    monitoring = read_monitoring(tmp_path / "config/monitoring.config")
    assert monitoring == MonitoringSettings(enabled=True, path="/metrics")


def test_the_embedded_server_takes_the_whole_command_line() -> None:
    flags = parse(server_flags(plan(EVERYTHING, batching=BATCHING)))
    assert (flags.whole("port"), flags.whole("rest_api_port")) == (8500, 8501)
    assert flags.number("file_system_poll_wait_seconds") == 7
    assert flags.number("rest_api_timeout_in_ms") == 1500
    assert flags.on("enable_batching")
    for name in ("model_config_file", "monitoring_config_file", "batching_parameters_file"):
        assert flags.text(name).startswith("/etc/tensorflow-serving/")
    assert flags.text("ssl_config_file") == "/etc/tensorflow-serving-tls/ssl.config"
    assert flags.positional == ()
