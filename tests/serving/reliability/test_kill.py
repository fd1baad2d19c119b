"""SIGKILL and restart under load: calls end right or marked, and the request log has no tear."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from rankbeam.serving.request_log.reader import finished_files, read_requests
from rankbeam.serving.settings.logging import LoggingSettings
from tests.serving.reliability import ranking
from tests.serving.reliability.pushing import push
from tests.serving.reliability.servers import Server, free_port, launch
from tests.serving.waiting import NAME, wait_available

pytestmark = pytest.mark.slow

KILLS = 2
LOAD_S = 1.5
CONFIG = """
model_config_list {{ config {{
  name: "{name}" base_path: "{base_path}" model_platform: "tensorflow"
  logging_config {{
    log_collector_config {{ type: "tfrecord" filename_prefix: "{folder}/ranked" }}
    sampling_config {{ sampling_rate: 1.0 }}
  }}
}} }}
"""


def _live(tmp_path: Path, port: int) -> Server:
    """A life of the server on always the same port."""
    server = launch(
        tmp_path / "stderr", f"--model_config_file={tmp_path / 'models.config'}", port=port
    )
    wait_available(server.target, timeout_s=120.0)
    return server


def _lives(tmp_path: Path, port: int) -> None:
    """Serves, is killed, serves again; the last life ends as it should."""
    server = _live(tmp_path, port)
    try:
        for _ in range(KILLS):
            time.sleep(LOAD_S)
            server.kill()
            server = _live(tmp_path, port)
        time.sleep(LOAD_S)
        (tmp_path / "stop").touch()
        time.sleep(0.5)  # the last calls end
        assert server.terminate() == 0
    finally:
        (tmp_path / "stop").touch()
        server.kill()


def test_sigkill_and_restart_under_load_loses_no_call_and_tears_no_record(
    tmp_path: Path,
    models: Mapping[float, Path],
    record_property: Callable[[str, object], None],
) -> None:
    folder, port = tmp_path / "log", free_port()
    base_path = tmp_path / "base"
    push(base_path, models)
    config = CONFIG.format(name=NAME, base_path=base_path, folder=folder)
    (tmp_path / "models.config").write_text(config)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        load = pool.submit(ranking.run, f"127.0.0.1:{port}", tmp_path / "stop")
        _lives(tmp_path, port)
        ranked = load.result()
    files = finished_files(folder)
    logged = [record.request_id for record in read_requests(files)]
    answered, known = set(ranked.answered), set(logged)
    lost = len(answered - known)
    counts = {
        "kills": KILLS,
        "ranked by the model": len(answered),
        "fallbacks": ranked.fallbacks,
        "wrong": ranked.wrong,
        "raised": len(ranked.raised),
        "logged": len(logged),
        "lost with a killed process": lost,
        "files": len(files),
    }
    record_property("kill", counts)
    print(counts)
    assert (ranked.raised, ranked.wrong) == ([], 0)
    assert ranked.fallbacks > 0
    assert _records_by_tensorflow(files) == len(logged)
    assert [path for path in folder.rglob("*") if path.is_file() and path not in files] == []
    # What waited in memory when the process was killed is gone; nothing else may be.
    assert lost <= KILLS * LoggingSettings(folder).max_queued
    after = ranked.answered[-len(answered) // (2 * KILLS + 2) :]
    assert set(after) <= known  # the last life ended well: all that it answered is there
    assert len(answered) - lost >= 100


def _records_by_tensorflow(files: list[Path]) -> int:
    """Reads the files as anybody would, checksums included."""
    count = 0
    for record in tf.data.TFRecordDataset([str(file) for file in files]).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.predict_log.response.outputs["click"].tensor_shape.dim[0].size == len(
            ranking.CANDIDATES
        )
        count += 1
    return count
