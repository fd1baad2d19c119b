"""S3 as its API has it: pages, parts, marks of folders, odd names, and what is out of reach."""

import os
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.io import fileio

from rankbeam.components.remote.beam_lookup import OPTIONS_VARIABLE
from rankbeam.components.remote.files import download, read_bytes, upload, write_bytes
from rankbeam.components.remote.s3_upload import PART_BYTES
from rankbeam.transform.errors import EnvironmentFault
from tests.s3 import S3Server


def _put(s3: S3Server, *keys: str) -> None:
    for key in keys:
        s3.client().put_object(Bucket="bucket", Key=key, Body=key.encode())


def _keys(s3: S3Server) -> list[str]:
    return [
        found["Key"]
        for page in s3.client().get_paginator("list_objects_v2").paginate(Bucket="bucket")
        for found in page.get("Contents", [])
    ]


def _unfinished(s3: S3Server) -> list[Any]:
    uploads: list[Any] = s3.client().list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    return uploads


def test_listings_of_many_pages_are_whole(s3: S3Server, s3_bucket: str) -> None:
    names = [f"{number:02}" for number in range(10)]
    _put(s3, *(f"in/{name}/a" for name in names), *(f"in/{name}" for name in names))
    assert s3.client().list_objects_v2(Bucket="bucket")["IsTruncated"]
    assert fileio.glob(f"{s3_bucket}/in/*/a") == [f"{s3_bucket}/in/{name}/a" for name in names]
    assert sorted(fileio.listdir(f"{s3_bucket}/in")) == sorted([*names, *names])
    fileio.rmtree(f"{s3_bucket}/in")
    assert _keys(s3) == []


def test_bucket_is_a_folder(s3: S3Server, s3_bucket: str) -> None:
    for empty in (s3_bucket, f"{s3_bucket}/"):
        assert not fileio.isdir(empty)
    write_bytes(f"{s3_bucket}/a.csv", b"1")
    write_bytes(f"{s3_bucket}/in/b.csv", b"2")
    for whole in (s3_bucket, f"{s3_bucket}/"):
        assert fileio.isdir(whole)
        assert sorted(fileio.listdir(whole)) == ["a.csv", "in"]
    assert fileio.glob(f"{s3_bucket}/*.csv") == [f"{s3_bucket}/a.csv"]
    assert _keys(s3) == ["a.csv", "in/b.csv"]


def test_marks_that_consoles_leave_are_no_files(s3: S3Server, s3_bucket: str) -> None:
    s3.client().put_object(Bucket="bucket", Key="in/")
    assert not fileio.exists(f"{s3_bucket}/in")
    _put(s3, "in/a")
    assert fileio.listdir(f"{s3_bucket}/in") == ["a"]
    assert fileio.glob(f"{s3_bucket}/in/*") == [f"{s3_bucket}/in/a"]
    assert list(fileio.walk(f"{s3_bucket}/in")) == [(f"{s3_bucket}/in", [], ["a"])]


@pytest.mark.parametrize("name", ["a b+c%20d&e=f.csv", "naïve 日本.csv", "[x]{y}~'(1).csv", "#?;,"])
def test_names_are_taken_as_they_are(s3: S3Server, s3_bucket: str, name: str) -> None:
    write_bytes(f"{s3_bucket}/in/{name}", b"1")
    assert _keys(s3) == [f"in/{name}"]
    assert fileio.listdir(f"{s3_bucket}/in") == [name]
    assert fileio.glob(f"{s3_bucket}/in/*") == [f"{s3_bucket}/in/{name}"]
    fileio.rename(f"{s3_bucket}/in/{name}", f"{s3_bucket}/{name}/{name}")
    assert read_bytes(f"{s3_bucket}/{name}/{name}") == b"1"
    fileio.rmtree(f"{s3_bucket}/{name}")
    assert _keys(s3) == []


@pytest.mark.parametrize(
    ("size", "parts"),
    [(0, None), (1, None), (PART_BYTES - 1, None), (PART_BYTES, 1), (2 * PART_BYTES + 1, 3)],
)
def test_files_are_sent_in_parts_where_they_are_large(
    s3: S3Server, s3_bucket: str, tmp_path: Path, size: int, parts: int | None
) -> None:
    (tmp_path / "a").write_bytes(os.urandom(size))
    upload(tmp_path / "a", f"{s3_bucket}/a")
    found = s3.client().head_object(Bucket="bucket", Key="a")
    # S3 writes the number of parts behind the digest of a file that came in parts.
    _, _, told = found["ETag"].strip('"').partition("-")
    assert (found["ContentLength"], told) == (size, "" if parts is None else str(parts))
    download(f"{s3_bucket}/a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert _unfinished(s3) == []


@pytest.mark.parametrize("size", [10, PART_BYTES + 10])
def test_writing_that_goes_wrong_leaves_what_was_there(
    s3: S3Server, s3_bucket: str, size: int
) -> None:
    def write_half() -> None:
        with fileio.open(f"{s3_bucket}/a", "wb") as file:
            file.write(bytes(size))
            raise RuntimeError("halfway")

    write_bytes(f"{s3_bucket}/a", b"old")
    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert read_bytes(f"{s3_bucket}/a") == b"old"
    assert (_keys(s3), _unfinished(s3)) == (["a"], [])


@pytest.mark.parametrize("denied", ["partNumber=1", "partNumber=2", "uploadId="])
def test_upload_that_is_refused_leaves_no_parts(
    s3: S3Server, s3_bucket: str, tmp_path: Path, denied: str
) -> None:
    (tmp_path / "a").write_bytes(bytes(PART_BYTES + 10))
    s3.refuses = lambda method, _, query: method != "DELETE" and denied in query
    with pytest.raises(
        OSError, match=rf"^{s3_bucket}/in/a: AccessDenied .*UploadPart operation: Access Denied"
    ):
        upload(tmp_path / "a", f"{s3_bucket}/in/a")
    s3.refuses = None
    assert (_keys(s3), _unfinished(s3)) == ([], [])


def test_bucket_that_may_be_read_but_not_listed_is_read(s3: S3Server, s3_bucket: str) -> None:
    _put(s3, "a")
    s3.refuses = lambda method, _, query: method == "GET" and "list-type" in query
    assert read_bytes(f"{s3_bucket}/a") == b"a"
    with pytest.raises(OSError, match=rf"^{s3_bucket}/\*: S3ClientError .*AccessDenied"):
        fileio.glob(f"{s3_bucket}/*")


def test_what_may_not_be_read_is_no_missing_file(s3: S3Server, s3_bucket: str) -> None:
    _put(s3, "a")
    s3.refuses = lambda method, path, _: path == "/bucket/a"
    with pytest.raises(OSError, match=rf"^{s3_bucket}/a: S3ClientError .*403"):
        read_bytes(f"{s3_bucket}/a")


def test_file_that_is_removed_just_now_is_not_found(s3: S3Server, s3_bucket: str) -> None:
    def remove(method: str, path: str, _: str) -> bool:
        if (method, path) == ("GET", "/bucket/a"):
            s3.client().delete_object(Bucket="bucket", Key="a")
        return False

    _put(s3, "a")
    s3.refuses = remove
    with pytest.raises(FileNotFoundError, match=rf"^{s3_bucket}/a: S3ClientError .*NoSuchKey"):
        read_bytes(f"{s3_bucket}/a")


def test_no_credentials_are_told_at_once(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = os.environ[OPTIONS_VARIABLE]
    # In words of its own, since clients live as long as their options stay the same.
    monkeypatch.setenv(OPTIONS_VARIABLE, f"{options} --s3_region_name=eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(OSError, match=r"s3://bucket must be .* in reach; Unable to locate cred"):
        fileio.exists(f"{s3_bucket}/a")


def test_server_that_does_not_answer_is_named(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, "--s3_endpoint_url=http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(OSError, match=r"bucket in reach; Could not connect .*//127.0.0.1:1/"):
        fileio.exists(f"{s3_bucket}/a")


def test_endpoint_that_is_no_url_is_named(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, "--s3_endpoint_url=nonsense")
    with pytest.raises(EnvironmentFault, match=rf"^{OPTIONS_VARIABLE} must hold what s3:// needs"):
        fileio.exists(f"{s3_bucket}/a")


def test_operations_share_a_client(s3: S3Server, s3_bucket: str) -> None:
    _put(s3, "a")
    read_bytes(f"{s3_bucket}/a")
    s3.requests.clear()
    read_bytes(f"{s3_bucket}/a")
    assert all(path == "/bucket/a" for _, path in s3.requests)
    assert len(s3.requests) <= 3
