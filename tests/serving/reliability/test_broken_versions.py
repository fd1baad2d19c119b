"""Versions that cannot serve: the one before goes on, and GetModelStatus says why."""

import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from rankbeam.serving.client import PredictClient
from rankbeam.serving.client.predict_client import ServedVersion
from rankbeam.serving.content import RECORD_PATH
from rankbeam.serving.versions import list_versions
from rankbeam.serving.warmup import WARMUP_PATH, write_warmup
from tests.serving import tiny_models
from tests.serving.reliability.pushing import bias_of, push
from tests.serving.reliability.servers import HOST, Server, serving
from tests.serving.waiting import NAME, wait_until

pytestmark = pytest.mark.slow

ROWS = tiny_models.examples()
Damage = Callable[[Path], None]


@pytest.fixture
def base_path(tmp_path: Path, models: Mapping[float, Path]) -> Path:
    push(tmp_path / "base", models)
    return tmp_path / "base"


@pytest.fixture
def server(tmp_path: Path, base_path: Path) -> Iterator[Server]:
    with serving(base_path, tmp_path / "log", "--file_system_poll_wait_seconds=0.05") as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[PredictClient]:
    with PredictClient(server.target, NAME) as connected:
        yield connected


def _row(client: PredictClient, version: int) -> ServedVersion | None:
    return next((row for row in client.status() if row.version == version), None)


def _ended(client: PredictClient, version: int) -> bool:
    row = _row(client, version)
    return row is not None and row.state == "END"


def _wait_ended(client: PredictClient, version: int) -> None:
    wait_until(lambda: _ended(client, version))


def _serves(client: PredictClient, version: int) -> None:
    answer = client.predict_examples(ROWS)
    expected = tiny_models.oracle(bias=bias_of(version))["click"]
    assert answer.model_version == version
    np.testing.assert_allclose(answer["click"], expected, rtol=0, atol=1e-6)


def _rest_reason(server: Server, version: int) -> str:
    url = f"http://{HOST}:{server.rest_port}/v1/models/{NAME}/versions/{version}"
    with urllib.request.urlopen(url) as answer:
        [row] = json.load(answer)["model_version_status"]
    assert row["state"] == "END"
    assert row["status"]["error_code"] != "OK"
    reason: str = row["status"]["error_message"]
    return reason


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _appear(base_path: Path, made: Path, version: int) -> None:
    """A version appears at once, whatever is in it."""
    made.rename(base_path / str(version))


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_every_file_truncated_or_missing_leaves_the_version_before_serving(
    base_path: Path,
    server: Server,
    client: PredictClient,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    pushed = list_versions(base_path)[1]
    damages: list[Damage] = [_truncate, Path.unlink]
    cases = [
        (file, damage)
        for file in _files(pushed)
        for damage in damages
        if file != RECORD_PATH or damage is _truncate  # without a record it is a version as any
    ]
    assert len(cases) >= 9
    for version, (file, damage) in enumerate(cases, start=2):
        made = shutil.copytree(pushed, tmp_path / "made")
        damage(made / file)
        _appear(base_path, made, version)
        _wait_ended(client, version)
        row = _row(client, version)
        assert row is not None
        assert (row.error_code, bool(row.error_message)) != (0, False)
        assert _rest_reason(server, version) == row.error_message
        _serves(client, 1)
    record_property("broken versions", len(cases))
    print({"broken versions": len(cases), "served on": len(cases)})


def test_slow_copy_is_served_once_it_is_whole(
    base_path: Path,
    client: PredictClient,
    models: Mapping[float, Path],
    record_property: Callable[[str, object], None],
) -> None:
    model, version, answered = models[bias_of(2)], 2, 0
    for file in _files(model):
        target = base_path / str(version) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        content = (model / file).read_bytes()
        for end in (len(content) // 2, len(content)):
            _serves(client, 1)
            answered += 1
            target.write_bytes(content[:end])
            time.sleep(0.2)  # several looks of the server
            row = _row(client, version)
            assert row is None or row.state != "END" or row.error_message
    wait_until(lambda: client.predict_examples(ROWS).model_version == version)
    _serves(client, version)
    record_property("slow copy", answered)
    print({"answered by version 1 during the copy": answered})


def test_version_that_fails_its_warm_up_is_not_served(
    base_path: Path,
    server: Server,
    client: PredictClient,
    tmp_path: Path,
    models: Mapping[float, Path],
) -> None:
    wrong = tiny_models.predict_request(ROWS, signature="none of these")
    made = shutil.copytree(models[bias_of(2)], tmp_path / "two")
    write_warmup(made, [tiny_models.predict_request(ROWS), wrong])
    _appear(base_path, made, 2)
    made = shutil.copytree(models[bias_of(3)], tmp_path / "three")
    write_warmup(made, [tiny_models.predict_request(ROWS)])
    _truncate(made / WARMUP_PATH)
    _appear(base_path, made, 3)
    for version, reason in ((2, 'Serving signature key "none of these" not found.'), (3, "")):
        _wait_ended(client, version)
        assert reason in _rest_reason(server, version)
        _serves(client, 1)
    made = shutil.copytree(models[bias_of(4)], tmp_path / "four")
    write_warmup(made, [tiny_models.predict_request(ROWS)])
    _appear(base_path, made, 4)
    wait_until(lambda: client.predict_examples(ROWS).model_version == 4)
    _serves(client, 4)
