"""The side without a server: the SavedModel called in process, and the judge of all answers.

It reads questions, one JSON object a line, from standard input and answers each with one line.
Run: `python -m benchmarks.serving_load.bare VERSION_FOLDER REQUESTS_FOLDER`.
"""

import gc
import glob
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import rankbeam  # noqa: F401 - chooses the Keras version before TensorFlow is imported
from benchmarks.serving_load.figures import summary
from benchmarks.serving_load.wires import INPUT, WIRES, Scores, matrix

SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
# Batching lets the same example meet other neighbours, hence another order of float32 sums.
_TOLERANCE = 1e-5
_WARM_UP_S = 0.2

Call = Callable[[Sequence[bytes]], Scores]


@dataclass(frozen=True)
class Calls:
    """The two ways to call `serving_default` in process, and its number of outputs.

    Attributes:
        function: `tf.saved_model.load(...).signatures[...]`, as a user calls it.
        session: A v1 Session's callable, which spares the eager runtime: the stricter baseline.
        outputs: How many outputs there are.
    """

    function: Call
    session: Call
    outputs: int


def load(path: str) -> Calls:
    """Loads a version folder both ways."""
    root = tf.saved_model.load(path)
    signature = root.signatures[SIGNATURE]
    names = sorted(signature.structured_outputs)

    def function(examples: Sequence[bytes]) -> Scores:
        found = signature(**{INPUT: tf.constant(examples)})
        return matrix([found[name].numpy() for name in names])

    function.__dict__["root"] = root  # owns the variables; the signature alone does not keep them
    return Calls(function, _session_call(path, names), len(names))


def _session_call(path: str, names: Sequence[str]) -> Call:
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    with graph.as_default():
        meta = tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], path)
    definition = meta.signature_def[SIGNATURE]
    fetched = [definition.outputs[name].name for name in names]
    call = session.make_callable(fetched, feed_list=[definition.inputs[INPUT].name])

    def run(examples: Sequence[bytes]) -> Scores:
        return matrix(call(np.array(examples, object)))

    return run


class Bare:
    """Answers questions about one model.

    Args:
        path: The version folder.
        folder: Where requests are written.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self._calls = load(path)
        self._folder = folder
        self._rows: dict[int, list[list[bytes]]] = {}

    def prepare(self, pattern: str, counts: dict[str, int]) -> dict[str, Any]:
        """Writes requests of real rows in every encoding.

        Args:
            pattern: Glob of the TFRecord files of tf.Example.
            counts: By candidates per request, how many distinct requests.
        """
        files = sorted(glob.glob(pattern))
        needed = max(int(size) * count for size, count in counts.items())
        compression = "GZIP" if files and files[0].endswith(".gz") else ""
        records = tf.data.TFRecordDataset(files, compression).take(needed)
        rows = [bytes(record) for record in records.as_numpy_iterator()]
        if len(rows) < needed:
            raise SystemExit(f"{pattern} must hold at least {needed} rows; got {len(rows)}")
        for size, count in counts.items():
            width = int(size)
            self._rows[width] = [rows[at * width : (at + 1) * width] for at in range(count)]
            self._write(width)
        return {"rows": needed, "bytes": sum(map(len, rows)) / needed}

    def _write(self, size: int) -> None:
        for at, rows in enumerate(self._rows[size]):
            for name, wire in WIRES.items():
                (self._folder / f"{name}-{size}-{at}.bin").write_bytes(wire.encode(rows))
            np.save(self._folder / f"expected-{size}-{at}.npy", self._calls.function(rows))

    def measure(self, size: int, how: str, threads: int, seconds: float) -> dict[str, Any]:
        """Latencies of in-process calls from some threads at once."""
        call: Call = getattr(self._calls, how)
        requests = self._rows[size]
        _spin(call, requests, 1, _WARM_UP_S)
        gc.collect()
        gc.disable()
        try:
            latencies, elapsed = _spin(call, requests, threads, seconds)
        finally:
            gc.enable()
        return dict(summary(latencies, elapsed))

    def check(self, wire: str, size: int, samples: list[tuple[int, str]]) -> dict[str, Any]:
        """How many sampled answers differ from the scores in process."""
        return judge(self._folder, wire, size, samples, self._calls.outputs)


def judge(
    folder: Path, wire: str, size: int, samples: Sequence[tuple[int, str]], outputs: int
) -> dict[str, Any]:
    """Compares answers with the expected scores.

    Args:
        folder: Where `expected-SIZE-AT.npy` lie.
        wire: How the answers are encoded.
        size: Candidates per request.
        samples: Number of the request, file of the answer.
        outputs: How many outputs the model has.

    Returns:
        How many were checked, how many are wrong, and the first reason.
    """
    reasons = []
    for at, file in samples:
        expected = np.load(folder / f"expected-{size}-{at}.npy")
        try:
            _compare(WIRES[wire].decode(Path(file).read_bytes(), outputs), expected)
        except Exception as error:  # whatever an answer does to its decoder, it is wrong
            reasons.append(f"request {at}: {type(error).__name__}: {error}")
    return {"checked": len(samples), "wrong": len(reasons), "reason": "".join(reasons[:1])}


def _compare(scores: Scores, expected: Scores) -> None:
    if scores.shape != expected.shape:
        raise ValueError(f"shape must be {expected.shape}; got {scores.shape}")
    if not np.allclose(scores, expected, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise ValueError(f"scores differ by up to {np.abs(scores - expected).max():g}")


def _spin(
    call: Call, requests: Sequence[Sequence[bytes]], threads: int, seconds: float
) -> tuple[list[float], float]:
    latencies: list[list[float]] = [[] for _ in range(threads)]
    clock = time.perf_counter
    start = clock()
    end = start + seconds

    def run(mine: list[float], first: int) -> None:
        turn = first
        while (begin := clock()) < end:
            call(requests[turn % len(requests)])
            mine.append(clock() - begin)
            turn += threads

    running = [
        threading.Thread(target=run, args=(mine, number)) for number, mine in enumerate(latencies)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return [value for mine in latencies for value in mine], clock() - start


def main() -> None:
    """Answers questions until standard input ends."""
    bare = Bare(sys.argv[1], Path(sys.argv[2]))
    for line in sys.stdin:
        question = json.loads(line)
        answer = getattr(bare, question.pop("do"))(**question)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
