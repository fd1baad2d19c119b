"""Google's own client says whether the server is one: it is used as it comes."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core.exceptions import (
    BadRequest,
    Forbidden,
    NotFound,
    PreconditionFailed,
)
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation, RefreshError
from google.cloud import storage
from google.oauth2.service_account import Credentials

from tests.gcs.server import GcsServer

_GRAIN = 256 << 10
_SCOPES = ["https://www.googleapis.com/auth/devstorage.full_control"]


def _with_account(gcs: GcsServer) -> Any:
    key = gcs.environment["GOOGLE_APPLICATION_CREDENTIALS"]
    credentials = Credentials.from_service_account_file(key, scopes=_SCOPES)
    return storage.Client("project", credentials, client_options={"api_endpoint": gcs.endpoint})


def _send(
    gcs: GcsServer, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = {}
) -> Any:
    """A request as it stands, where the client makes none like it."""
    return gcs.client()._http.request(
        method, url, body, {**gcs.client()._extra_headers, **headers}, timeout=10
    )


@pytest.mark.parametrize("size", [0, 1, _GRAIN, 9 << 20])
def test_content_goes_both_ways(bucket: Any, size: int) -> None:
    content = os.urandom(size)
    blob = bucket.blob("in/a")
    blob.upload_from_string(content, checksum="crc32c")
    assert (blob.size, blob.content_type) == (size, "text/plain")
    for checksum in ("md5", "crc32c"):  # the client compares with what the server tells
        assert bucket.blob("in/a").download_as_bytes(checksum=checksum) == content
    assert bucket.get_blob("in/a").md5_hash == blob.md5_hash


@pytest.mark.parametrize("size", [0, 1, _GRAIN, 2 * _GRAIN, 2 * _GRAIN + 1])
def test_content_of_unknown_size_goes_in_chunks(gcs: GcsServer, bucket: Any, size: int) -> None:
    content = os.urandom(size)
    with bucket.blob("a").open("wb", chunk_size=_GRAIN, ignore_flush=True) as file:
        file.write(content)
        assert gcs.contents("bucket") == {}
    with bucket.blob("a").open("rb", chunk_size=1000) as file:
        assert file.read(10) == content[:10]
        assert file.read() == content[10:]
    assert gcs.unfinished("bucket") == []


def test_upload_is_taken_up_where_it_broke_off(gcs: GcsServer, bucket: Any) -> None:
    content = os.urandom(_GRAIN + 10)
    place = bucket.blob("a").create_resumable_upload_session(size=len(content))
    asks = {"Content-Range": f"bytes */{len(content)}"}
    empty = _send(gcs, "PUT", place, b"", asks)
    assert (empty.status_code, empty.headers.get("Range")) == (308, None)
    first = {"Content-Range": f"bytes 0-{_GRAIN - 1}/{len(content)}"}
    _send(gcs, "PUT", place, content[:_GRAIN], first)
    half = _send(gcs, "PUT", place, b"", asks)
    assert (half.status_code, half.headers["Range"]) == (308, f"bytes=0-{_GRAIN - 1}")
    assert gcs.unfinished("bucket") == ["a"]
    assert _send(gcs, "PUT", place, content[:_GRAIN], first).status_code == 503
    rest = {"Content-Range": f"bytes {_GRAIN}-{len(content) - 1}/{len(content)}"}
    done = _send(gcs, "PUT", place, content[_GRAIN:], rest)
    again = _send(gcs, "PUT", place, b"", asks)
    assert done.json() == again.json()
    assert gcs.contents("bucket") == {"a": content}


def test_upload_that_is_given_up_is_forgotten(gcs: GcsServer, bucket: Any) -> None:
    place = bucket.blob("a").create_resumable_upload_session()
    assert _send(gcs, "DELETE", place).status_code == 499
    assert _send(gcs, "PUT", place, b"1").status_code == 404
    assert (gcs.contents("bucket"), gcs.unfinished("bucket")) == ({}, [])


_NAMES = ["a b+c%20d&e=f.csv", "naïve 日本.csv", "[x]{y}~'(1).csv", "#?;,/"]


@pytest.mark.parametrize("name", _NAMES)
def test_names_are_taken_as_they_are(gcs: GcsServer, bucket: Any, name: str) -> None:
    bucket.blob(name).upload_from_string("1")
    assert list(gcs.contents("bucket")) == [name]
    assert bucket.blob(name).download_as_bytes() == b"1"
    assert [blob.name for blob in bucket.list_blobs(prefix=name)] == [name]


def test_listings_have_folders_and_pages(gcs: GcsServer, bucket: Any) -> None:
    names = ["a", "in/", "in/a", "in/deep/a", "in/deep/b", "other/a"]
    for name in names:
        bucket.blob(name).upload_from_string("1")
    for gcs.api.page in (1, 2, 1000):
        assert [blob.name for blob in bucket.list_blobs()] == names
        right_in = bucket.list_blobs(prefix="in/", delimiter="/")
        assert [blob.name for blob in right_in] == ["in/", "in/a"]
        assert right_in.prefixes == {"in/deep/"}
    assert [blob.name for blob in bucket.list_blobs(max_results=2)] == names[:2]
    [found] = bucket.list_blobs(prefix="a", fields="items(name,size),nextPageToken")
    assert (found.name, found.size, found.updated) == ("a", 1, None)


def test_preconditions_hold(bucket: Any) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("1", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed, match="pre-conditions you specified did not hold"):
        bucket.blob("a").upload_from_string("2", if_generation_match=0)
    bucket.blob("a").upload_from_string("2", if_generation_match=first)
    with pytest.raises(PreconditionFailed, match="412"):
        bucket.blob("a").download_as_bytes(if_generation_match=first)
    with pytest.raises(PreconditionFailed, match="412"):
        bucket.delete_blob("a", if_generation_match=first)
    assert bucket.get_blob("a").generation > first


def test_objects_are_copied_joined_and_deleted(gcs: GcsServer, bucket: Any) -> None:
    for name in "abc":
        bucket.blob(name).upload_from_string(name)
    bucket.copy_blob(bucket.blob("a"), bucket, "in/a")
    assert bucket.blob("in/b").rewrite(bucket.blob("b"))[0] is None
    bucket.blob("abc").compose([bucket.blob(name) for name in "abc"])
    assert gcs.contents("bucket")["abc"] == b"abc"
    with gcs.client().batch(raise_exception=False) as batch:
        for name in ("a", "nothing", "b"):
            batch._client.bucket("bucket").delete_blob(name)
    assert [one.status_code for one in batch._responses] == [204, 404, 204]
    assert sorted(gcs.contents("bucket")) == ["abc", "c", "in/a", "in/b"]


def test_what_is_not_there_is_not_found(gcs: GcsServer, bucket: Any) -> None:
    nowhere = gcs.client().bucket("nowhere")
    assert (bucket.exists(), nowhere.exists()) == (True, False)
    assert (bucket.blob("a").exists(), nowhere.blob("a").exists()) == (False, False)
    with pytest.raises(NotFound, match="No such object: bucket/a"):
        bucket.blob("a").reload()
    with pytest.raises(NotFound, match="No such object: bucket/a"):
        bucket.blob("a").download_as_bytes()
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        list(nowhere.list_blobs())
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        nowhere.blob("a").upload_from_string("1")


@pytest.mark.usefixtures("broken_off")
def test_account_gets_in_and_nobody_else(gcs: GcsServer, bucket: Any, tmp_path: Path) -> None:
    bucket.blob("a").upload_from_string("1")
    known = _with_account(gcs)
    assert known.bucket("bucket").blob("a").download_as_bytes() == b"1"
    place = {"api_endpoint": gcs.endpoint}
    stranger = storage.Client("p", AnonymousCredentials(), client_options=place)
    # The client wants a new token where it is not let in, before it tells what the server said.
    with pytest.raises(InvalidOperation, match="Anonymous credentials cannot be refreshed"):
        stranger.bucket("bucket").blob("a").download_as_bytes()
    bare = requests.get(f"{gcs.endpoint}/storage/v1/b/bucket/o/a", timeout=10)
    told = r"^Anonymous caller does not have storage\.objects\.get access"
    assert (bare.status_code, bool(re.search(told, bare.json()["error"]["message"]))) == (401, True)
    key = json.loads(Path(gcs.environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    forged = Credentials.from_service_account_info({**key, "client_email": "x@y"}, scopes=_SCOPES)
    with pytest.raises(RefreshError, match="invalid_grant"):
        storage.Client("p", forged, client_options=place).get_bucket("bucket")
    gcs.refuses = lambda method, path, _: method == "GET" and path.endswith("/o")
    with pytest.raises(Forbidden, match=r"does not have storage\.objects\.list access"):
        list(known.list_blobs("bucket"))
    assert gcs.requests[-1] == ("GET", "/storage/v1/b/bucket/o")


def test_what_the_server_does_not_know_is_refused(bucket: Any) -> None:
    with pytest.raises(BadRequest, match=r"Unknown parameters: \['matchGlob'\]"):
        list(bucket.list_blobs(match_glob="*"))
    with pytest.raises(BadRequest, match="Unknown request: PATCH"):
        bucket.patch()
