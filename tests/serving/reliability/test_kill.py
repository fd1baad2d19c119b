"""SIGKILL and restart under load: calls end right or marked, and the request log has no tear."""

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from rankbeam.serving.request_log.reader import finished_files, read_requests
from rankbeam.serving.settings.logging import LoggingSettings
from tests.serving.reliability import ranking
from tests.serving.reliability.pushing import push
from tests.serving.reliability.ranking import Call, Ranked
from tests.serving.reliability.servers import Server, free_port, launch
from tests.serving.waiting import NAME, wait_available

pytestmark = pytest.mark.slow

KILLS = 2
LOAD_S = 3.0
# The client's channel tries to connect again after a second at the latest, give or take a fifth;
# the rest is for a process that had to wait for its turn.
RECONNECT_S = 1.5
LEAST_ANSWERED = 100  # in each life, with the server up from beginning to end
WRITTEN_AT_ONCE = 64
CONFIG = """
model_config_list {{ config {{
  name: "{name}" base_path: "{base_path}" model_platform: "tensorflow"
  logging_config {{
    log_collector_config {{ type: "tfrecord" filename_prefix: "{folder}/ranked" }}
    sampling_config {{ sampling_rate: 1.0 }}
  }}
}} }}
"""


@dataclass
class History:
    """What became of the server; times are `time.monotonic()` seconds.

    Attributes:
        launched: when each life listened; nothing that ended before is of this life.
        outages: from before each kill until a client must have found the next life.
        flushed: the ids in whole records on the disk when a process was dead.
    """

    launched: list[float] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    flushed: set[str] = field(default_factory=set)

    def life_of(self, call: Call) -> int:
        """The number of the life that answered a call."""
        return sum(launched <= call.ended for launched in self.launched) - 1

    def in_outage(self, call: Call) -> bool:
        """Whether the server was away at some moment of a call, or not found again yet."""
        return any(since <= call.ended and call.began <= until for since, until in self.outages)


def _live(tmp_path: Path, port: int, history: History, since: float) -> Server:
    """A life of the server on always the same port, after it was away since some moment."""
    flag = f"--model_config_file={tmp_path / 'models.config'}"
    server = launch(tmp_path / "stderr", flag, port=port)
    history.launched.append(time.monotonic())
    wait_available(server.target, timeout_s=120.0)
    history.outages.append((since, time.monotonic() + RECONNECT_S))
    return server


def _lives(tmp_path: Path, port: int) -> History:
    """Serves, is killed, serves again; the last life ends as it should."""
    history = History()
    server = _live(tmp_path, port, history, since=0.0)
    try:
        for _ in range(KILLS):
            time.sleep(LOAD_S)
            since = time.monotonic()
            server.kill()
            history.flushed |= _ids_on_disk(tmp_path / "log")
            server = _live(tmp_path, port, history, since)
        time.sleep(LOAD_S)
        (tmp_path / "stop").touch()
        time.sleep(0.5)  # the last calls end
        assert server.terminate() == 0
    finally:
        (tmp_path / "stop").touch()
        server.kill()
    return history


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
        history = _lives(tmp_path, port)
        ranked = load.result()
    files = finished_files(folder)
    logged = [record.request_id or "" for record in read_requests(files)]
    lost = [_lost(calls, set(logged)) for calls in _by_life(ranked, history)]
    counts = {
        "kills": KILLS,
        "ranked by the model": len(ranked.answered),
        "fallbacks": len(ranked.fallbacks),
        "fallbacks while the server was up": sum(
            not history.in_outage(c) for c in ranked.fallbacks
        ),
        "wrong": ranked.wrong,
        "raised": len(ranked.raised),
        "logged": len(logged),
        "on the disk when killed": len(history.flushed),
        "lost with each life": lost,
        "files": len(files),
    }
    record_property("kill", counts)
    print(counts)
    _check_calls(ranked, history)
    assert _records_by_tensorflow(files) == len(logged)
    assert [path for path in folder.rglob("*") if path.is_file() and path not in files] == []
    assert history.flushed
    assert history.flushed <= set(logged)
    assert lost[-1] == 0  # the last life ended as it should
    assert all(count <= LoggingSettings(folder).max_queued + WRITTEN_AT_ONCE for count in lost)


def _check_calls(ranked: Ranked, history: History) -> None:
    """Every call ended right, or marked while the server was away."""
    assert (ranked.raised, ranked.wrong) == ([], 0)
    assert _outside(ranked.fallbacks, history) == []
    for since, until in history.outages[1:]:  # the load may begin when the first life is there
        assert any(since <= call.ended and call.began <= until for call in ranked.fallbacks)
    for calls in _by_life(ranked, history):
        assert len(_outside(calls, history)) >= LEAST_ANSWERED


def _outside(calls: Sequence[Call], history: History) -> list[Call]:
    return [call for call in calls if not history.in_outage(call)]


def _by_life(ranked: Ranked, history: History) -> list[list[Call]]:
    """The calls that each life answered, in order."""
    lives: list[list[Call]] = [[] for _ in history.launched]
    for call in ranked.answered:
        lives[history.life_of(call)].append(call)
    return lives


def _lost(calls: Sequence[Call], logged: set[str]) -> int:
    """How many of a life's calls are not in the log: what waited in memory, hence the last ones."""
    known = [call.request_id in logged for call in calls]
    if all(known):
        return 0
    # Calls that are under way at the same time may end in another order than they were logged.
    assert not any(known[known.index(False) + ranking.CONCURRENCY :])
    return known.count(False)


def _ids_on_disk(folder: Path) -> set[str]:
    """The ids in whole records that a killed process left, by TensorFlow's own reader."""
    found = set()
    for path in folder.glob(".*.partial"):
        records = tf.data.TFRecordDataset([str(path)]).as_numpy_iterator()
        try:
            for record in records:
                log = prediction_log_pb2.PredictionLog.FromString(record)
                outputs = log.predict_log.response.outputs
                found.add(outputs["rankbeam/request_id"].string_val[0].decode())
        except tf.errors.DataLossError:  # the record that was being written
            continue
    return found


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
