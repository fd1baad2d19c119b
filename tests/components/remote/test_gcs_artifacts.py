"""Artifacts on gs://, as a compiled pipeline has them: TensorFlow and Beam write and read there.

Both are led to the server as they come: TensorFlow through a proxy, since it asks Google's own
hosts whatever its environment says.
"""

import multiprocessing
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeAlias
from unittest import mock

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from tfx.dsl.io import fileio

from rankbeam.components.example_batches.records import record_dataset, split_files
from rankbeam.components.example_gen.shards import ShardWriter, shard_name
from rankbeam.components.remote.files import read_bytes, write_bytes
from rankbeam.components.transform.write_graph import publish_model
from rankbeam.pipeline.dag import BEAM_ARGS
from tests.gcs.server import GcsServer

pytestmark = pytest.mark.slow

_WITHIN_S = 120.0
Elsewhere: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def elsewhere(gcs: GcsServer) -> Iterator[Elsewhere]:
    """Calls a function in another process, which imports TensorFlow once for all.

    Not in this one: TensorFlow's writers hold Python's lock while they wait for the server.
    """
    own = multiprocessing.get_context("spawn")
    with (
        mock.patch.dict(os.environ, {**gcs.environment, **gcs.proxy}),
        ProcessPoolExecutor(1, own) as pool,
    ):
        yield lambda function, *given: pool.submit(function, *given).result(_WITHIN_S)


@pytest.fixture
def root(gcs: GcsServer) -> Iterator[str]:
    """An empty folder; a new one each time, as TensorFlow remembers for five seconds."""
    gcs.create_bucket("bucket")
    gcs.api.page = 3
    yield f"gs://bucket/{uuid.uuid4().hex}"
    gcs.reset()


def _files(gcs: GcsServer, root: str) -> dict[str, bytes]:
    """Files below a folder; TensorFlow marks folders by empty objects."""
    below = f"{root.removeprefix('gs://bucket/')}/"
    return {
        name.removeprefix(below): content
        for name, content in gcs.contents("bucket").items()
        if name.startswith(below) and not name.endswith("/")
    }


def _write_and_read(root: str, content: bytes) -> tuple[Any, ...]:
    """A file of TensorFlow's that Rankbeam reads, and the other way round."""
    tf.io.gfile.makedirs(f"{root}/in")
    with tf.io.gfile.GFile(f"{root}/in/a", "wb") as file:
        file.write(content)
    write_bytes(f"{root}/other/b", content)
    with tf.io.gfile.GFile(f"{root}/other/b", "rb") as file:
        read = file.read()
    listed = fileio.listdir(root), fileio.listdir(f"{root}/in"), tf.io.gfile.listdir(root)
    return read, read_bytes(f"{root}/in/a"), *listed


@pytest.mark.parametrize("size", [0, 1, 17 << 20])
def test_tensorflow_and_rankbeam_read_what_the_other_wrote(
    elsewhere: Elsewhere, gcs: GcsServer, root: str, size: int
) -> None:
    content = os.urandom(size)
    found = elsewhere(_write_and_read, root, content)
    assert found == (content, content, ["in", "other"], ["a"], ["in/", "other/"])
    assert _files(gcs, root) == {"in/a": content, "other/b": content}
    elsewhere(fileio.rmtree, root)
    assert gcs.contents("bucket") == {}


def _shards(root: str) -> tuple[tuple[str, ...], list[bytes]]:
    """Publish two records where an earlier try has left three; files, and what they hold."""
    for records in ([b"a", b"b", b"c"], [b"d", b"e"]):
        writer = ShardWriter(f"{root}/unfinished", rows=1)
        writer.write(records)
        writer.close()
        writer.publish(f"{root}/Split-train")
    files = split_files(f"{root}/Split-train")
    batches = [batch for file in files for batch in record_dataset(file)]
    return files, [record for batch in batches for record in batch.numpy()]


def test_shards_of_a_second_try_take_the_place_of_the_first(
    elsewhere: Elsewhere, gcs: GcsServer, root: str
) -> None:
    names = [f"Split-train/{shard_name(number, 2)}" for number in range(2)]
    assert elsewhere(_shards, root) == (tuple(f"{root}/{name}" for name in names), [b"d", b"e"])
    assert [name for name in _files(gcs, root) if name.startswith("Split-")] == names


def _graphs(root: str) -> None:
    for name in ("saved_model.pb", "variables/a"):
        write_bytes(f"{root}/source/{name}", name.encode())
    for _ in range(2):
        publish_model(f"{root}/source", f"{root}/graph/transform_fn", f"{root}/temporary", "")


def test_graph_of_a_second_try_takes_the_place_of_the_first(
    elsewhere: Elsewhere, gcs: GcsServer, root: str
) -> None:
    elsewhere(_graphs, root)
    names = ("saved_model.pb", "variables/a")
    assert _files(gcs, root) == {
        f"{folder}/{name}": name.encode()
        for folder in ("graph/transform_fn", "source")
        for name in names
    }


def _through_beam(root: str) -> list[bytes]:
    writer = ShardWriter(f"{root}/unfinished", rows=2)
    writer.write([b"a", b"b", b"c"])
    writer.close()
    writer.publish(f"{root}/Split-train")
    with beam.Pipeline(options=PipelineOptions(list(BEAM_ARGS))) as pipeline:
        read = pipeline | beam.io.ReadFromTFRecord(f"{root}/Split-train/*")
        _ = read | beam.io.WriteToTFRecord(f"{root}/out/part", file_name_suffix=".gz")
    files = tf.io.gfile.glob(f"{root}/out/part-*")
    batches = [batch for file in files for batch in record_dataset(file)]
    return sorted(record for batch in batches for record in batch.numpy())


def test_beam_reads_what_tensorflow_wrote_and_writes_what_it_reads(
    elsewhere: Elsewhere, gcs: GcsServer, root: str
) -> None:
    assert elsewhere(_through_beam, root) == [b"a", b"b", b"c"]
    assert not [name for name in _files(gcs, root) if "temp" in name]
