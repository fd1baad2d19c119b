"""Pure parts of `benchmarks/serving.py`, held to NumPy, protobuf and hand-made answers."""

import math
import struct
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, struct_pb2

from benchmarks import serving_swaps
from benchmarks.serving_load import bare, chart, figures, http_client, open_inference, report
from benchmarks.serving_load.bench import in_turn
from benchmarks.serving_load.phases import FUNCTION, SESSION
from benchmarks.serving_load.publish import BEGIN, END, replaced
from benchmarks.serving_load.run import parse
from benchmarks.serving_load.wires import WIRES
from benchmarks.serving_peers import frames
from benchmarks.serving_peers.environments import EnvironmentFailedError, check_tensorflow
from rankbeam.transform.stack import message_classes

ROWS = [b"", b"a", b"\x00\xff" * 300]
TENSOR = descriptor_pb2.FieldDescriptorProto


@pytest.mark.parametrize("count", [1, 2, 7, 100, 1001])
def test_percentile_agrees_with_numpy(count: int) -> None:
    values = np.sort(np.random.default_rng(count).exponential(size=count))

    for quantile in (0.0, 0.5, 0.95, 0.99, 1.0):
        found = figures.percentile(values.tolist(), quantile)
        assert found == pytest.approx(np.quantile(values, quantile), rel=1e-12)


def test_percentile_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="must have values; got none"):
        figures.percentile([], 0.5)


def test_summary_counts_and_gives_milliseconds() -> None:
    found = figures.summary([0.003, 0.001, 0.002], 0.5)

    assert found["requests"] == 3
    assert found["qps"] == 6.0
    assert found["p50"] == pytest.approx(2.0)
    assert found["p99"] == pytest.approx(2.98)


def test_a_side_that_never_answers_is_infinitely_slow() -> None:
    found = figures.summary([], 1.0)

    assert found["qps"] == 0.0
    assert found["p99"] == math.inf


def test_rounds_take_turns_and_report_medians() -> None:
    order = []
    values = iter([1.0, 10.0, 5.0, 30.0, 3.0, 20.0])

    def measure(name: str) -> dict[str, float]:
        order.append(name)
        value = next(values)
        return {"qps": value, "p50": value, "p95": value, "p99": -value}

    found = in_turn({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3)

    assert order == ["a", "b", "a", "b", "a", "b"]
    assert figures.over_rounds(found["a"]) == {"qps": 3.0, "p50": 3.0, "p95": 3.0, "p99": -3.0}
    assert figures.over_rounds(found["b"])["qps"] == 20.0


def test_frames_round_trip() -> None:
    assert frames.unpack(frames.pack(ROWS)) == ROWS
    assert frames.pack([b"ab"]) == b"\x01\x00\x00\x00\x02\x00\x00\x00ab"


def test_infer_request_is_what_protobuf_reads() -> None:
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="i.proto", package="i", syntax="proto3")
    tensor, request = file.message_type.add(name="T"), file.message_type.add(name="R")
    tensor.field.add(name="name", number=1, type=TENSOR.TYPE_STRING, label=1)
    tensor.field.add(name="datatype", number=2, type=TENSOR.TYPE_STRING, label=1)
    tensor.field.add(name="shape", number=3, type=TENSOR.TYPE_INT64, label=3)
    request.field.add(name="model_name", number=1, type=TENSOR.TYPE_STRING, label=1)
    request.field.add(name="inputs", number=5, type=TENSOR.TYPE_MESSAGE, type_name=".i.T", label=3)
    request.field.add(name="raw", number=7, type=TENSOR.TYPE_BYTES, label=3)
    pool.AddSerializedFile(file.SerializeToString())
    made: Any = message_classes(pool, ["i.R"])["i.R"]

    read = made.FromString(open_inference.infer_request("ranker", ROWS))

    assert read.model_name == "ranker"
    assert [(t.name, t.datatype, list(t.shape)) for t in read.inputs] == [
        ("examples", "BYTES", [len(ROWS)])
    ]
    assert read.raw == [b"".join(struct.pack("<I", len(row)) + row for row in ROWS)]


def test_raw_output_passes_over_other_fields() -> None:
    message = b"\x0a\x01m" + b"\x20\x96\x01" + b"\x2a\x02xy" + b"\x32\x04\x00\x00\x80\x3f"

    assert np.frombuffer(open_inference.raw_output(message), "<f4").tolist() == [1.0]


def test_raw_output_must_be_there_once() -> None:
    with pytest.raises(ValueError, match="must have one raw output; got 0"):
        open_inference.raw_output(struct_pb2.Value(string_value="a").SerializeToString())


def test_http_answer_is_read_once_it_is_whole() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nx: y\r\n\r\nhello"

    for end in range(len(answer)):
        assert http_client.parse(answer[:end]) is None
    assert http_client.parse(answer) == (200, b"hello")


def test_http_answer_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a Content-Length; got"):
        http_client.parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


def test_judge_tells_right_answers_from_wrong_ones(tmp_path: Path) -> None:
    expected = np.array([[0.25, 0.5], [0.75, 1.0]], np.float32)
    np.save(tmp_path / "expected-2-0.npy", expected)
    answers = {
        "right": expected,
        "other neighbours": expected + np.float32(1e-7),
        "swapped": expected[::-1],
        "short": expected[:1],
        "nan": np.full_like(expected, np.nan),
    }
    verdicts = {}
    for name, scores in answers.items():
        file = tmp_path / name
        file.write_bytes(scores.astype("<f4").tobytes())
        verdicts[name] = bare.judge(tmp_path, "frames", 2, [(0, str(file))], 2)["wrong"]

    assert verdicts == {"right": 0, "other neighbours": 0, "swapped": 1, "short": 1, "nan": 1}


def test_rest_wire_is_a_columnar_request() -> None:
    body = WIRES["rest"].encode([b"\x00\xff", b"a"])

    assert body == b'{"inputs":{"examples":[{"b64":"AP8="},{"b64":"YQ=="}]}}'
    answer = b'{"outputs": {"b": [[0.5], [0.25]], "a": [1, 0]}}'
    assert WIRES["rest"].decode(answer, 2).tolist() == [[1.0, 0.5], [0.0, 0.25]]


def test_peers_on_another_tensorflow_are_refused() -> None:
    check_tensorflow("a==1\ntensorflow==2.16.2\n", "2.16.2")
    with pytest.raises(EnvironmentFailedError, match=r"must be ours, 2\.21\.0; got 2\.16\.2"):
        check_tensorflow("a==1\ntensorflow==2.16.2\n", "2.21.0")


def test_unknown_peer_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse("", ["--peers", "bentoml,torchserve"])
    assert "--peers must name some of bentoml, mlserver, ray; got torchserve" in (
        capsys.readouterr().err
    )
    assert parse("", ["--peers", "none"]).peers == []


def _side(qps: float, p99: float) -> dict[str, float]:
    return {"qps": qps, "p50": p99 / 2, "p99": p99, "examples_s": 100 * qps}


def _found() -> dict[str, object]:
    latency = {FUNCTION: _side(900, 2.0), SESSION: _side(1000, 1.0), report.GRPC: _side(500, 5.0)}
    full = {FUNCTION: _side(1000, 2.0), SESSION: _side(1200, 2.0), report.GRPC: _side(800, 2.0)}
    small = {"unbatched": _side(1000, 9.0), "batched": _side(2500, 9.0)}
    cells = [
        {"candidates": size, "concurrency": 1, "side": side, **_side(qps, p99)}
        for size, side, qps, p99 in (
            (1, report.GRPC, 300, 3.0),
            (1, report.REST, 10, 90.0),
            (1, "slow", 200, 4.0),
            (10, report.GRPC, 110, 4.0),
            (10, "slow", 100, 5.0),
        )
    ]
    return {
        "latency": {"shared": latency},
        "saturation": {"apart": {"100": full}},
        "batching": {"apart": small},
        "peers": cells,
    }


def test_targets_compare_what_was_promised() -> None:
    found = report.targets(_found())

    assert [(round(target.value, 3), target.met) for target in found] == [
        (2.5, False),  # p50: 2.5 over 1.0 ms, at most 2
        (2.5, True),  # p99: 5.0 over 2.0 ms, at most 3
        (0.8, True),  # 80,000 of 100,000 examples/s, at least 0.75
        (2.5, False),  # 2,500 over 1,000 requests/s, at least 3
        (1.1, True),  # the least of 300 / 200 and 110 / 100
        (0.8, True),  # the most of 3 / 4 and 4 / 5
    ]
    assert found[0].line().startswith("MISSED p50 of 100 candidates")
    assert found[4].line().startswith("ahead  requests/s over slow's, least of 2 loads: 1.10")
    assert report.missed(_found()) == 2


def _against(**peers: tuple[float, float]) -> dict[str, object]:
    """Figures that keep every other promise, with peers by name: requests/s and p99."""
    ours = _side(100, 10.0)
    sides = {report.GRPC: ours, **{name: _side(*figures) for name, figures in peers.items()}}
    rows = [{"candidates": 1, "concurrency": 1, "side": name, **s} for name, s in sides.items()]
    return {
        "latency": {"shared": {FUNCTION: ours, SESSION: ours, report.GRPC: ours}},
        "saturation": {"apart": {"100": {FUNCTION: ours, SESSION: ours, report.GRPC: ours}}},
        "batching": {"apart": {"unbatched": ours, "batched": _side(300, 9.0)}},
        "peers": rows,
    }


@pytest.mark.parametrize(
    ("peers", "missed"),
    [
        ({}, 0),
        ({"a": (200, 5.0)}, 0),  # one peer cannot tell of two
        ({"a": (90, 11.0), "b": (80, 12.0), "c": (200, 5.0)}, 0),
        ({"a": (90, 11.0), "b": (80, 9.0), "c": (200, 5.0)}, 1),  # b has the better p99
    ],
)
def test_promise_is_to_be_ahead_of_two_peers_and_others_are_told(
    peers: dict[str, tuple[float, float]], missed: int
) -> None:
    found = _against(**peers)
    lines = [target.line() for target in report.targets(found)]

    assert report.missed(found) == missed
    assert sum(line.startswith("MISSED") for line in lines) == missed
    assert any(line.startswith("behind p99 over c's") for line in lines) == ("c" in peers)


def test_swaps_fail_the_run_where_requests_fail_or_the_promise_is_missed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def judged(p99: float, errors: int) -> tuple[bool, str]:
        still, swaps = (
            {"qps": 100.0, "p50": 1.0, "p95": 2.0, "p99": value, "requests": 50, "errors": failed}
            for value, failed in ((4.0, 0), (p99, errors))
        )
        kept = serving_swaps.report({"still": [still], "swaps": [swaps]}, 3)
        return kept, capsys.readouterr().out.splitlines()[-2].split()[0]

    assert judged(8.0, 0) == (True, "met")
    assert judged(8.1, 0) == (False, "MISSED")
    assert judged(8.0, 1) == (False, "met")


def test_published_text_replaces_what_stands_between_the_marks() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    once = replaced(text, "new")

    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert replaced(once, "new") == once
    with pytest.raises(ValueError, match="once each"):
        replaced("no marks", "new")


def test_chart_is_well_formed_with_a_panel_and_a_point_for_each_row() -> None:
    rows = [
        {"candidates": size, "concurrency": 1, "qps": qps, "p50": 1.0, "p95": 2.0, "p99": 3.0}
        for size in (1, 100)
        for qps in (500.0, 1000.0, 1500.0)
    ]

    root = ET.fromstring(chart.svg(rows))

    circles = [e for e in root if e.tag.endswith("circle")]
    assert len(circles) == 3 * len(rows)
    texts = [e.text for e in root if e.tag.endswith("text")]
    assert {"1 candidates", "100 candidates", "1000"} <= set(texts)
    heights = [float(e.attrib["cy"]) for e in circles[:3] + circles[6:9]]
    assert heights[0] == heights[2] > heights[3]  # 1 ms is drawn below 3 ms
