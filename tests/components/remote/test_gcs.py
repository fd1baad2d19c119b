"""GCS as its API has it: pages, uploads in parts, marks of folders, odd names, and no way in."""

import os
from pathlib import Path

import pytest
from tfx.dsl.io import fileio

from rankbeam.components.remote import gcs_files
from rankbeam.components.remote.beam_lookup import OPTIONS_VARIABLE
from rankbeam.components.remote.files import download, read_bytes, upload, write_bytes
from tests.gcs.exchange import refuse
from tests.gcs.server import GcsServer

# A file of up to 8 MB is sent in one request by Google's client.
_LARGE_BYTES = 9 << 20


def _put(gcs: GcsServer, *names: str) -> None:
    for name in names:
        gcs.put("bucket", name, name.encode())


def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a new client be made: they live as long as the words of their options stay the same."""
    monkeypatch.setenv(OPTIONS_VARIABLE, f"--project=p{os.urandom(8).hex()}")


def test_listings_of_many_pages_are_whole(gcs: GcsServer, gcs_bucket: str) -> None:
    names = [f"{number:02}" for number in range(10)]
    _put(gcs, *(f"in/{name}/a" for name in names), *(f"in/{name}" for name in names))
    assert fileio.glob(f"{gcs_bucket}/in/*/a") == [f"{gcs_bucket}/in/{name}/a" for name in names]
    assert sorted(fileio.listdir(f"{gcs_bucket}/in")) == sorted([*names, *names])
    fileio.rmtree(f"{gcs_bucket}/in")
    assert gcs.contents("bucket") == {}


def test_bucket_is_a_folder(gcs: GcsServer, gcs_bucket: str) -> None:
    for empty in (gcs_bucket, f"{gcs_bucket}/"):
        assert not fileio.isdir(empty)
    write_bytes(f"{gcs_bucket}/a.csv", b"1")
    write_bytes(f"{gcs_bucket}/in/b.csv", b"2")
    for whole in (gcs_bucket, f"{gcs_bucket}/"):
        assert fileio.isdir(whole)
        assert sorted(fileio.listdir(whole)) == ["a.csv", "in"]
    assert fileio.glob(f"{gcs_bucket}/*.csv") == [f"{gcs_bucket}/a.csv"]
    assert gcs.contents("bucket") == {"a.csv": b"1", "in/b.csv": b"2"}  # and no marks


def test_marks_that_others_leave_are_no_files(gcs: GcsServer, gcs_bucket: str) -> None:
    _put(gcs, "in/")
    assert not fileio.exists(f"{gcs_bucket}/in")
    _put(gcs, "in/a")
    assert fileio.listdir(f"{gcs_bucket}/in") == ["a"]
    assert fileio.glob(f"{gcs_bucket}/in/*") == [f"{gcs_bucket}/in/a"]
    assert list(fileio.walk(f"{gcs_bucket}/in")) == [(f"{gcs_bucket}/in", [], ["a"])]
    fileio.rmtree(f"{gcs_bucket}/in")
    assert gcs.contents("bucket") == {}


@pytest.mark.parametrize("name", ["a b+c%20d&e=f.csv", "naïve 日本.csv", "[x]{y}~'(1).csv", "#?;,"])
def test_names_are_taken_as_they_are(gcs: GcsServer, gcs_bucket: str, name: str) -> None:
    write_bytes(f"{gcs_bucket}/in/{name}", b"1")
    assert gcs.contents("bucket") == {f"in/{name}": b"1"}
    assert fileio.listdir(f"{gcs_bucket}/in") == [name]
    assert fileio.glob(f"{gcs_bucket}/in/*") == [f"{gcs_bucket}/in/{name}"]
    fileio.rename(f"{gcs_bucket}/in/{name}", f"{gcs_bucket}/{name}/{name}")
    assert read_bytes(f"{gcs_bucket}/{name}/{name}") == b"1"
    fileio.rmtree(f"{gcs_bucket}/{name}")
    assert gcs.contents("bucket") == {}


@pytest.mark.parametrize("size", [0, 1, _LARGE_BYTES, 17 << 20])
def test_files_of_all_sizes_go_both_ways(
    gcs: GcsServer, gcs_bucket: str, tmp_path: Path, size: int
) -> None:
    (tmp_path / "a").write_bytes(os.urandom(size))
    upload(tmp_path / "a", f"{gcs_bucket}/a")
    assert gcs.contents("bucket")["a"] == (tmp_path / "a").read_bytes()
    download(f"{gcs_bucket}/a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert fileio.stat(f"{gcs_bucket}/a").length == size
    stored = gcs.api.store.find("bucket", "a")
    assert fileio.stat(f"{gcs_bucket}/a").mtime_nsec == pytest.approx(stored.written * 1e9, abs=1e6)


@pytest.mark.parametrize("size", [10, _LARGE_BYTES])
def test_writing_that_goes_wrong_leaves_what_was_there(
    gcs: GcsServer, gcs_bucket: str, size: int
) -> None:
    def write_half() -> None:
        with fileio.open(f"{gcs_bucket}/a", "wb") as file:
            file.write(bytes(size))
            raise RuntimeError("halfway")

    write_bytes(f"{gcs_bucket}/a", b"old")
    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert gcs.contents("bucket") == {"a": b"old"}


@pytest.mark.parametrize("size", [10, _LARGE_BYTES])
def test_upload_that_is_refused_leaves_what_was_there(
    gcs: GcsServer, gcs_bucket: str, tmp_path: Path, size: int
) -> None:
    (tmp_path / "a").write_bytes(bytes(size))
    write_bytes(f"{gcs_bucket}/in/a", b"old")
    gcs.refuses = lambda method, *_: method in {"POST", "PUT"}
    with pytest.raises(
        OSError, match=rf"^{gcs_bucket}/in/a: Forbidden .*does not have storage\.objects\.create"
    ):
        upload(tmp_path / "a", f"{gcs_bucket}/in/a")
    assert gcs.contents("bucket") == {"in/a": b"old"}


def test_file_that_is_replaced_meanwhile_is_not_read_on(gcs: GcsServer, gcs_bucket: str) -> None:
    gcs.put("bucket", "a", bytes(40 << 20))
    file = fileio.open(f"{gcs_bucket}/a", "rb")
    assert file.read(10) == bytes(10)
    gcs.put("bucket", "a", os.urandom(40 << 20))
    with pytest.raises(FileNotFoundError, match=rf"^{gcs_bucket}/a: NotFound "):
        file.read()


def test_folder_is_renamed_though_each_file_takes_two_steps(
    gcs: GcsServer, gcs_bucket: str
) -> None:
    _put(gcs, "in/a", "in/deep/b")
    gcs.api.in_steps = True
    fileio.rename(f"{gcs_bucket}/in", f"{gcs_bucket}/out")
    assert gcs.contents("bucket") == {"out/a": b"in/a", "out/deep/b": b"in/deep/b"}


def test_no_right_on_the_bucket_itself_is_needed(
    gcs: GcsServer, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fresh(monkeypatch)
    gcs.refuses = lambda _, path, __: path == "/storage/v1/b/bucket"
    write_bytes(f"{gcs_bucket}/new/a", b"1")
    assert fileio.isdir(gcs_bucket)
    assert fileio.glob(f"{gcs_bucket}/*/a") == [f"{gcs_bucket}/new/a"]


def test_bucket_that_may_be_read_but_not_listed_is_read(
    gcs: GcsServer, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fresh(monkeypatch)
    _put(gcs, "a")
    gcs.refuses = lambda _, path, __: path.endswith("/o")
    assert read_bytes(f"{gcs_bucket}/a") == b"a"
    with pytest.raises(OSError, match=rf"^{gcs_bucket}/\*: Forbidden .*storage\.objects\.list"):
        fileio.glob(f"{gcs_bucket}/*")


def test_what_may_not_be_read_is_no_missing_file(gcs: GcsServer, gcs_bucket: str) -> None:
    _put(gcs, "a")
    gcs.refuses = lambda _, path, __: path.endswith("/o/a")
    with pytest.raises(OSError, match=rf"^{gcs_bucket}/a: Forbidden .*storage\.objects\.get"):
        read_bytes(f"{gcs_bucket}/a")


def test_file_that_is_removed_just_now_is_not_found(gcs: GcsServer, gcs_bucket: str) -> None:
    def remove(_: str, path: str, __: str) -> bool:
        if path.startswith("/download"):
            gcs.client().bucket("bucket").delete_blob("a")
        return False

    _put(gcs, "a")
    gcs.refuses = remove
    with pytest.raises(FileNotFoundError, match=rf"^{gcs_bucket}/a: NotFound "):
        read_bytes(f"{gcs_bucket}/a")


def test_server_that_fails_for_a_moment_is_asked_again(
    gcs: GcsServer, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = gcs_files._patient().with_delay(initial=0.01)
    monkeypatch.setattr(gcs_files, "_patient", lambda: soon)
    failing = ["/upload/", "/rewriteTo/"]

    def fail_once(_: str, path: str, __: str) -> bool:
        for part in failing:
            if part in path:
                failing.remove(part)
                refuse(503, "Backend Error")
        return False

    gcs.refuses = fail_once
    write_bytes(f"{gcs_bucket}/a", b"1")
    fileio.rename(f"{gcs_bucket}/a", f"{gcs_bucket}/b")
    assert (gcs.contents("bucket"), failing) == ({"b": b"1"}, [])


def test_no_credentials_are_told_at_once(
    gcs_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _fresh(monkeypatch)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(OSError, match=r"gs://bucket must be .* in reach; Your default credentials"):
        fileio.exists(f"{gcs_bucket}/a")


@pytest.mark.usefixtures("broken_off")
def test_without_credentials_there_is_what_is_open_to_all(
    gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, "--no_auth")
    with pytest.raises(OSError, match=r"gs://bucket must be .* in reach; it is not open to all"):
        fileio.exists(f"{gcs_bucket}/a")


def test_credentials_that_are_no_longer_good_are_told(
    gcs_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _fresh(monkeypatch)
    key = Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text()
    (tmp_path / "key.json").write_text(key.replace("tests@project", "former@project"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with pytest.raises(OSError, match=r"gs://bucket must be a bucket in reach; invalid_grant: "):
        fileio.exists(f"{gcs_bucket}/a")


def test_server_that_does_not_answer_is_named(
    gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fresh(monkeypatch)
    monkeypatch.setattr(gcs_files, "_REACH_WITHIN_S", 0.1)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    with pytest.raises(OSError, match=r"bucket in reach; .*host='127.0.0.1', port=1.*refused"):
        fileio.exists(f"{gcs_bucket}/a")


def test_operations_share_a_client(gcs: GcsServer, gcs_bucket: str) -> None:
    _put(gcs, "a")
    read_bytes(f"{gcs_bucket}/a")
    gcs.requests.clear()
    read_bytes(f"{gcs_bucket}/a")
    assert all(path.endswith("/b/bucket/o/a") for _, path in gcs.requests)
    assert len(gcs.requests) <= 4
