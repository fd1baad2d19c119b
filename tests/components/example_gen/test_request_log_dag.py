"""The request log in real runs: a span, its outcomes, and what the driver notices."""

import os
from pathlib import Path
from typing import Any

import pytest
import tensorflow_data_validation as tfdv
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.components import StatisticsGen
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline

from rankbeam.components.example_gen.component import example_gen
from rankbeam.pipeline.dag import BEAM_ARGS
from tests.components.example_gen.logged import example, ranked, write_log
from tests.components.example_gen.runs import Row, make_spec, read_split, write_parquet

pytestmark = pytest.mark.slow

_COLUMNS = {"user": "string", "tags": "string", "click": "int", "request_id": None}

_TAGS: list[dict[str, list[bytes]]] = [{}, {"tags": [b"a"]}, {"tags": [b"a", b""]}]


def _run(base: Path, path: str, span: int | None = None, **source: Any) -> None:
    spec = make_spec(
        path,
        "request_log",
        columns={**_COLUMNS, "score_click": None},
        split={"kind": "entity_hash", "column": "request_id", "eval_fraction": 0.25},
        multivalent=["tags"],
        **source,
    )
    node = example_gen(spec, str(base), span)
    statistics = StatisticsGen(examples=node.outputs["examples"])
    pipeline = Pipeline(
        pipeline_name="log",
        pipeline_root=str(base / "root"),
        components=[node, statistics],
        enable_cache=True,
        beam_pipeline_args=list(BEAM_ARGS),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(base / "metadata.db")
        ),
    )
    LocalDagRunner().run(pipeline)


def _examples(base: Path) -> list[tuple[int, Path]]:
    """Span and folder of every Examples artifact, oldest first."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(base / "metadata.db")
    return [
        (artifact.custom_properties["span"].int_value, Path(artifact.uri))
        for artifact in MetadataStore(config).get_artifacts_by_type("Examples")
    ]


def _rows(folder: Path) -> list[Row]:
    return read_split(folder, "train") + read_split(folder, "eval")


def _write_log(base: Path) -> int:
    """Logs 200 requests of today, with three candidates each, and returns today's span."""
    asked = [
        ranked(
            f"r{n}",
            [example(user=[b"u%d" % (n % 9)], **_TAGS[at]) for at in range(3)],
            click=[0.0, 0.25, 0.5],
        )
        for n in range(200)
    ]
    write_log(base / "log", asked, rotate_bytes=20_000)
    [span] = {path.parent.name for path in (base / "log").glob("*/*.tfrecord")}
    return int(span)


def _write_outcomes(base: Path, span: int, clicked: int) -> None:
    path = base / "outcomes" / str(span) / "clicks.parquet"
    ids = [f"r{n}" for n in range(200)]
    write_parquet(
        path,
        {"request_id": ids, "position": [1] * 200, "click": [1] * clicked + [0] * (200 - clicked)},
    )
    # The driver's fingerprint has whole seconds; the time must differ even on a fast machine.
    os.utime(path, (1_700_000_000 + clicked, 1_700_000_000 + clicked))


def test_request_log_is_a_span_with_true_statistics(tmp_path: Path) -> None:
    span = _write_log(tmp_path)
    _run(tmp_path, "log/{SPAN}/")
    [(found, folder)] = _examples(tmp_path)
    assert found == span
    rows = _rows(folder)
    assert len(rows) == 600
    assert [row["score_click"] for row in read_split(folder, "train")[:3]] == [[0.0], [0.25], [0.5]]
    evaluated = {row["request_id"][0] for row in read_split(folder, "eval")}
    trained = {row["request_id"][0] for row in read_split(folder, "train")}
    assert len(evaluated) + len(trained) == 200
    assert 20 < len(evaluated) < 80
    [file] = (tmp_path / "root").glob("StatisticsGen/statistics/*/Split-train/*.pb")
    dataset = tfdv.load_stats_binary(str(file)).datasets[0]
    by_name = {feature.path.step[0]: feature for feature in dataset.features}
    assert by_name["click"].string_stats.common_stats.num_missing == dataset.num_examples
    assert by_name["tags"].string_stats.common_stats.num_missing == dataset.num_examples // 3
    assert by_name["score_click"].num_stats.num_zeros == dataset.num_examples // 3


def test_request_log_is_joined_again_when_outcomes_change(tmp_path: Path) -> None:
    span = _write_log(tmp_path)
    outcomes = {"kind": "parquet", "path": "outcomes/{SPAN}/"}
    joined = {"outcomes": outcomes, "unmatched": "drop"}
    for clicked in (50, 50, 120):
        _write_outcomes(tmp_path, span, clicked)
        _run(tmp_path, "log/{SPAN}/", span, **joined)
    found = _examples(tmp_path)
    assert [number for number, _ in found] == [span, span]
    for (_, folder), clicked in zip(found, (50, 120), strict=True):
        rows = _rows(folder)
        assert len(rows) == 200
        assert sum(row["click"][0] for row in rows) == clicked
        assert {tuple(row["tags"]) for row in rows} == {(b"a",)}
