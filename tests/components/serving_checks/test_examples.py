"""Reading raw examples from an artifact: any compression, shards in order, clear errors."""

from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import Artifact, artifact_utils, standard_artifacts

from rankbeam.components.serving_checks.examples import read_examples
from rankbeam.transform.errors import ConfigError, DataError


def _write(path: Path, records: list[bytes], compression: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)


def _artifact(folder: Path) -> Artifact:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    return artifact


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_examples_any_compression_is_read(tmp_path: Path, compression: str) -> None:
    records = [bytes([n]) * 50 for n in range(10)]
    _write(tmp_path / "Split-eval" / "data", records, compression)
    assert read_examples(_artifact(tmp_path), "eval", 7) == records[:7]
    assert read_examples(_artifact(tmp_path), "eval", 100) == records


def test_examples_shards_come_in_order_and_hidden_files_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "Split-eval"
    for name, record in (("data-1", b"b"), ("data-0", b"a"), ("data-2", b"c")):
        _write(folder / name, [record] * 2, "GZIP")
    _write(folder / "data-00", [], "GZIP")
    _write(folder / ".part", [b"x"], "GZIP")
    (folder / "_SUCCESS").write_text("")
    assert read_examples(_artifact(tmp_path), "eval", 5) == [b"a", b"a", b"b", b"b", b"c"]


def test_examples_unknown_split_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"split must be one of train, eval; got 'test'"):
        read_examples(_artifact(tmp_path), "test", 1)


def test_examples_empty_split_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="split 'eval' must hold at least one example"):
        read_examples(_artifact(tmp_path), "eval", 1)
    _write(tmp_path / "Split-eval" / "data", [], "GZIP")
    with pytest.raises(DataError, match="split 'eval' must hold at least one example"):
        read_examples(_artifact(tmp_path), "eval", 1)


@pytest.mark.parametrize("content", [b"no TFRecord at all", b"\x1f\x8b but no gzip after it"])
def test_examples_other_files_are_a_data_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Split-eval").mkdir()
    (tmp_path / "Split-eval" / "data").write_bytes(content)
    with pytest.raises(DataError, match=r"must be whole TFRecords.*; .*/data is not"):
        read_examples(_artifact(tmp_path), "eval", 1)


def test_examples_truncated_shard_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "Split-eval" / "data"
    _write(path, [b"x" * 1000] * 3, "")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="must be whole TFRecords"):
        read_examples(_artifact(tmp_path), "eval", 3)


def test_examples_other_payloads_are_a_data_error(tmp_path: Path) -> None:
    artifact = _artifact(tmp_path)
    artifact.set_string_custom_property("payload_format", "FORMAT_PROTO")
    with pytest.raises(DataError, match=r"must be tf\.Examples; got FORMAT_PROTO"):
        read_examples(artifact, "eval", 1)
