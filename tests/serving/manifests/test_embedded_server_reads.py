"""Rankbeam's own server takes the generated settings as TensorFlow Serving does."""

from pathlib import Path

from rankbeam.serving.manifests.generate import generate
from rankbeam.serving.manifests.writer import write_files
from rankbeam.serving.policy import Latest
from rankbeam.serving.settings.batching_file import read_batching
from rankbeam.serving.settings.model_config import read_models
from rankbeam.serving.settings.monitoring import MonitoringSettings, read_monitoring
from tests.serving.manifests.plans import EVERYTHING, OUTPUT, Batches, plan


def test_the_embedded_server_reads_every_settings_file(tmp_path: Path) -> None:
    wanted = plan(EVERYTHING, batching=Batches(num_batch_threads=4), logs_requests=True)
    write_files(tmp_path, generate(wanted, OUTPUT, ["settings"]).files, force=False)
    (model,) = read_models(tmp_path / "config/models.config")
    assert (model.name, model.base_path) == ("shop", Path("/models/shop"))
    assert model.policy == Latest(3)
    assert model.logging is None
    batching = read_batching(tmp_path / "config/batching.config")
    assert (batching.max_batch_size, batching.batch_timeout_micros) == (128, 1000)
    assert (batching.max_enqueued_batches, batching.num_batch_threads) == (64, 4)
    assert batching.allowed_batch_sizes == (32, 128)
    monitoring = read_monitoring(tmp_path / "config/monitoring.config")
    assert monitoring == MonitoringSettings(enabled=True, path="/metrics")
