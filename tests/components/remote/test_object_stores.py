"""What S3 and GCS have in common, through the one file interface."""

import threading

import pytest
from tfx.dsl.io import fileio

from rankbeam.components.remote.files import read_bytes, write_bytes

_NO_BUCKET = {
    "s3": r"s3://nowhere must be a bucket in reach; .*NoSuchBucket.*does not exist",
    "gs": r"gs://nowhere must be a bucket in reach; 404 The specified bucket does not exist\.$",
}


@pytest.fixture(params=["s3_bucket", "gcs_bucket"])
def bucket(request: pytest.FixtureRequest) -> str:
    """An empty bucket's URI."""
    return str(request.getfixturevalue(request.param))


def test_files_are_read_and_written_by_threads_at_once(bucket: str) -> None:
    def go_around(number: int) -> None:
        content = bytes([number]) * 100_000
        for turn in range(5):
            write_bytes(f"{bucket}/{number}/{turn}", content)
            assert read_bytes(f"{bucket}/{number}/{turn}") == content
        done.append(number)

    done: list[int] = []
    threads = [threading.Thread(target=go_around, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(6))


def test_missing_bucket_is_no_empty_one(bucket: str) -> None:
    scheme = bucket.partition("://")[0]
    reason, nowhere = _NO_BUCKET[scheme], f"{scheme}://nowhere"
    assert not fileio.exists(f"{bucket}/a")
    with pytest.raises(OSError, match=reason):
        fileio.glob(f"{nowhere}/*")
    with pytest.raises(OSError, match=reason):
        fileio.isdir(nowhere)
    with pytest.raises(OSError, match=reason):
        read_bytes(f"{nowhere}/a")
    with pytest.raises(OSError, match=reason):
        write_bytes(f"{nowhere}/a", b"1")
