"""The framing, against TensorFlow's own reader and writer."""

import io
from pathlib import Path

import pytest
import tensorflow as tf

from rankbeam.serving.request_log.frames import TornFrame, frame, read_frames

_RECORDS = [b"", b"\0", b"a" * 100_000, "日本".encode(), bytes(range(256))]


def test_frames_are_read_by_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "f.tfrecord"
    path.write_bytes(b"".join(map(frame, _RECORDS)))
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == _RECORDS


def test_frames_of_tensorflow_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in _RECORDS:
            writer.write(record)
    with path.open("rb") as file:
        found = list(read_frames(file))
    assert [record for _, record in found] == _RECORDS
    assert found[-1][0] == path.stat().st_size


def test_frames_cut_anywhere_leave_the_whole_ones() -> None:
    records = [b"one", b"", b"three"]
    ends = [16 + 3, 2 * 16 + 3, 3 * 16 + 8]
    content = b"".join(map(frame, records))
    for size in range(len(content)):
        whole = [record for record, end in zip(records, ends, strict=True) if end <= size]
        found = []
        frames = read_frames(io.BytesIO(content[:size]))
        if size in (0, *ends):
            found = [record for _, record in frames]
        else:
            with pytest.raises(TornFrame, match="cut off") as torn:
                found.extend(record for _, record in frames)
            assert torn.value.offset == max([0, *(end for end in ends if end <= size)])
            continue
        assert found == whole


def test_frames_with_any_bit_flipped_are_refused() -> None:
    content = frame(b"some record")
    for bit in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TornFrame, match="checksum is wrong at byte 0"):
            list(read_frames(io.BytesIO(flipped)))
