"""Request logs as a source: each logged candidate becomes a row, as it was."""

import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.components.example_gen.sources import candidates
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.settings.logging import LoggingSettings
from rankbeam.trainer.raw_inputs import MISSING_INT
from rankbeam.transform.errors import DataError
from tests.components.example_gen.logged import Asked, example, ranked, write_log
from tests.components.example_gen.runs import Row, make_spec, read_split, run
from tests.serving.request_log.inferences import INFERENCES
from tests.serving.request_log.logging_kit import Asker

_ALL_TRAIN = {"kind": "time", "column": "timestamp", "boundary": "2999-01-01"}
_ADDED = ("request_id", "position", "model_version", "transform_hash", "timestamp")


def _read(base: Path, *names: str, multivalent: tuple[str, ...] = (), **source: Any) -> list[Row]:
    spec = make_spec(
        "log/*/",
        "request_log",
        columns=dict.fromkeys(names),
        split=_ALL_TRAIN,
        multivalent=multivalent,
        **source,
    )
    run(spec, base)
    return read_split(base / "output", "train")


def test_request_log_adds_what_the_server_knew(tmp_path: Path) -> None:
    before = time.time_ns() // 1000
    write_log(
        tmp_path / "log",
        [
            ranked("日本", [example(a=[1]), example(a=[2])], click=[0.25, 0.0], ctcvr=[0.5, 1.0]),
            ranked("r", [example(a=[0])], click=[0.75]),
        ],
    )
    rows = _read(tmp_path, "a", *_ADDED, "score_click", "score_ctcvr")
    assert [row["a"] for row in rows] == [[1], [2], [0]]
    assert [row["request_id"] for row in rows] == [["日本".encode()]] * 2 + [[b"r"]]
    assert [row["position"] for row in rows] == [[0], [1], [0]]
    assert [row["model_version"] for row in rows] == [[3]] * 3
    assert [row["transform_hash"] for row in rows] == [[b"cd" * 32]] * 3
    assert [row["score_click"] for row in rows] == [[0.25], [0.0], [0.75]]
    assert [row["score_ctcvr"] for row in rows] == [[0.5], [1.0], []]
    stamps = [row["timestamp"][0] for row in rows]
    assert before <= stamps[0] == stamps[1] <= stamps[2] <= time.time_ns() // 1000


def test_request_log_keeps_every_value_of_examples(tmp_path: Path) -> None:
    features: list[dict[str, list[Any]]] = [
        {"i": [0], "f": [0.0], "s": [b""], "m": [b"b", b"", b"b"]},
        {"i": [-(2**63)], "f": [-0.0], "s": ["naïve 日本".encode()], "m": []},
        {"i": [2**63 - 1], "f": [math.inf], "s": [b"\0x\0"]},
        {},
    ]
    asked = ranked("r", [example(**row) for row in features], click=[0.5] * 4)
    write_log(tmp_path / "log", [asked])
    rows = _read(tmp_path, "i", "f", "s", "m", multivalent=("m",))
    expected = [{name: row.get(name, []) for name in ("i", "f", "s", "m")} for row in features]
    assert rows == expected


def test_request_log_keeps_every_value_of_dense_tensors(tmp_path: Path) -> None:
    low = int(tf.int64.min)
    inputs = {
        "i": np.array([[0], [low], [low + 1]]),
        "f": np.array([[0.0], [np.nan], [-np.inf]], np.float32),
        "s": np.array([["é".encode()], [b""], [b"0"]], object),
        "m": np.array([[b"", b"x"], [b"", b""], [b"y", b"y"]], object),
    }
    narrow = {
        "i": np.array([[5]]),
        "f": np.array([[1.5]], np.float32),
        "s": np.array([[b"z"]], object),
        "m": np.array([[b"q"]], object),
    }
    write_log(
        tmp_path / "log",
        [
            Asked("r", inputs, {"click": [0.1, 0.2, 0.3]}, signature="raw_tensors"),
            Asked("s", narrow, {"click": [0.4]}, signature="raw_tensors"),
        ],
    )
    rows = _read(tmp_path, "i", "f", "s", "m", "position", multivalent=("m",))
    assert rows == [
        {"i": [0], "f": [0.0], "s": ["é".encode()], "m": [b"x"], "position": [0]},
        {"i": [], "f": [], "s": [], "m": [], "position": [1]},
        {"i": [low + 1], "f": [-math.inf], "s": [b"0"], "m": [b"y", b"y"], "position": [2]},
        {"i": [5], "f": [1.5], "s": [b"z"], "m": [b"q"], "position": [0]},
    ]


def test_request_log_takes_dense_values_for_missing_as_the_model_does() -> None:
    assert candidates._MISSING_INT == MISSING_INT


def test_request_log_mixes_signatures_and_leaves_others_out(tmp_path: Path) -> None:
    dense = {"a": np.array([[7], [8]])}
    other = {"examples": np.array([example(a=[9])], object)}
    write_log(
        tmp_path / "log",
        [
            ranked("1", [example(a=[1])], click=[0.0]),
            Asked("2", dense, {"click": [0.0, 0.0]}, signature="raw_tensors"),
            Asked("3", other, {"vectors": [1.0]}, signature="transform_features"),
            Asked("4", {"examples": np.array([], object)}, {"click": []}),
            ranked("5", [example(b=[1.0])], click=[0.0]),
        ],
    )
    rows = _read(tmp_path, "a", "request_id")
    assert [row["a"] for row in rows] == [[1], [7], [8], []]
    assert [row["request_id"] for row in rows] == [[b"1"], [b"2"], [b"2"], [b"5"]]


def test_request_log_counts_and_tells_what_it_leaves_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = {"examples": np.array([example(a=[9])], object)}
    log = RequestLog("ranker", LoggingSettings(tmp_path / "log"), Metrics())
    for number, (request, response) in enumerate([*INFERENCES, INFERENCES[1]]):
        call = Asker(f"i{number}")
        log.offer(request=request, response=response, call=call, transform_hash="")
    log.close()
    write_log(
        tmp_path / "log",
        [
            ranked("i1", [example(a=[1])], click=[0.0]),  # the id of an inference: another request
            Asked("3", other, {"vectors": [1.0]}, signature="transform_features"),
        ],
    )
    with caplog.at_level(logging.INFO):
        rows = _read(tmp_path, "a", "request_id")
    assert rows == [{"a": [1], "request_id": [b"i1"]}]
    told = sorted(m for m in caplog.messages if "not read as candidates" in m)
    assert told == [
        "left out 1 requests that are not read as candidates: Classify",
        "left out 1 requests that are not read as candidates: MultiInference",
        "left out 1 requests that are not read as candidates: Predict on transform_features",
        "left out 2 requests that are not read as candidates: Regress",
    ]


def test_request_log_reads_thousands_in_order(tmp_path: Path) -> None:
    asked = [
        ranked(f"r{n}", [example(a=[n * 10 + at]) for at in range(n % 7)], click=[0.5] * (n % 7))
        for n in range(5_000)
    ]
    write_log(tmp_path / "log", asked, rotate_bytes=200_000)
    rows = _read(tmp_path, "a", "request_id", "position")
    expected = [(n * 10 + at, f"r{n}".encode(), at) for n in range(5_000) for at in range(n % 7)]
    assert [(*row["a"], *row["request_id"], *row["position"]) for row in rows] == expected


def test_request_log_counts_a_request_that_was_sent_again_once(tmp_path: Path) -> None:
    again = ranked("r", [example(a=[1])], click=[0.5])
    other = ranked("r", [example(a=[2])], click=[0.5])
    write_log(tmp_path / "log", [again, other, again, other, again], rotate_bytes=1)
    assert [row["a"] for row in _read(tmp_path, "a")] == [[1], [2]]


def test_request_log_of_one_model_among_several(tmp_path: Path) -> None:
    inputs = {"examples": np.array([example(a=[5])], object)}
    write_log(
        tmp_path / "log",
        [
            ranked("1", [example(a=[1])], click=[0.0]),
            Asked("1", inputs, {"click": [0.0]}, model="ranker-2"),
        ],
    )
    assert len(_read(tmp_path, "a")) == 2
    assert [row["a"] for row in _read(tmp_path, "a", model="ranker-2")] == [[5]]


def test_request_log_tells_added_columns_from_features(tmp_path: Path) -> None:
    asked = ranked("r", [example(position=[4]), example(position=[9])], click=[0.5, 0.5])
    write_log(tmp_path / "log", [asked])
    with pytest.raises(DataError, match=r"'position' .* got both: set data.source.column_prefix"):
        _read(tmp_path, "position")
    assert [row["request_id"] for row in _read(tmp_path, "request_id")] == [[b"r"]] * 2
    split = {**_ALL_TRAIN, "column": "log_timestamp"}
    spec = make_spec(
        "log/*/",
        "request_log",
        columns={"position": "float", "log_position": None},
        split=split,
        column_prefix="log_",
    )
    run(spec, tmp_path)
    rows = read_split(tmp_path / "output", "train")
    assert rows == [
        {"position": [4], "log_position": [0]},
        {"position": [9], "log_position": [1]},
    ]


def test_request_log_without_outcomes_has_missing_labels(tmp_path: Path) -> None:
    asked = ranked("r", [example(a=[1], click=[1]), example(a=[2])], click=[0.5, 0.5])
    write_log(tmp_path / "log", [asked])
    spec = make_spec(
        "log/*/",
        "request_log",
        columns={"a": "float", "click": "int", "sale": "int"},
        split=_ALL_TRAIN,
        derive={"sale": {"source": "event", "is_in": ["sale"]}},
    )
    counts = run(spec, tmp_path)
    rows = read_split(tmp_path / "output", "train")
    assert rows == [{"a": [1], "click": [], "sale": []}, {"a": [2], "click": [], "sale": []}]
    assert counts["train"].labels["click"].missing == 2
    assert counts["train"].labels["sale"].missing == 2


def test_request_log_without_a_feature_names_it(tmp_path: Path) -> None:
    write_log(tmp_path / "log", [ranked("r", [example(price=[1.0])], click=[0.5])])
    with pytest.raises(DataError, match=r"column 'prise' .* nearest is 'price'"):
        _read(tmp_path, "prise")


def test_request_log_that_is_damaged_is_named(tmp_path: Path) -> None:
    write_log(tmp_path / "log", [ranked("r", [example(a=[1])], click=[0.5])])
    [file] = (tmp_path / "log").glob("*/*")
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(DataError, match=rf"{file} must be .* of PredictionLog; .* cut off"):
        _read(tmp_path, "a")


def test_request_log_with_fewer_scores_than_candidates_is_refused(tmp_path: Path) -> None:
    write_log(tmp_path / "log", [ranked("r", [example(a=[1])] * 3, click=[0.5, 0.5])])
    with pytest.raises(DataError, match="'r' must have inputs and scores of as many candidates"):
        _read(tmp_path, "a")


def test_request_log_is_read_from_other_file_systems(tmp_path: Path) -> None:
    from rankbeam.components.example_gen.reader import Reader

    write_log(tmp_path / "log", [ranked("r", [example(a=[1])], click=[0.5])])
    [file] = (tmp_path / "log").glob("*/*")
    whole, cut = "ram://test/log.tfrecord", "ram://test/cut.tfrecord"
    tf.io.gfile.copy(str(file), whole, overwrite=True)
    with tf.io.gfile.GFile(cut, "wb") as out:
        out.write(file.read_bytes()[:-2])
    spec = make_spec(whole, "request_log", columns={"a": None})
    [chunk] = Reader(spec, [whole]).rows(("a",))
    assert chunk.column("a").to_pylist() == [[1]]
    with pytest.raises(DataError, match=f"^{cut} must be readable"):
        list(Reader(spec, [cut]).rows(("a",)))
