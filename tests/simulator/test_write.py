"""Files: bytes, all or nothing, reuse, refusal."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import MANIFEST, ROWS_PER_FILE, load, write
from tests.simulator.marketplaces import run

_SPEC = MarketplaceSpec(impressions=3_000, users=100, offers=30)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_write_same_spec_same_bytes(tmp_path: Path) -> None:
    first, again = write(_SPEC, tmp_path / "a"), write(_SPEC, tmp_path / "deep" / "b")
    assert _digests(first.directory) == _digests(again.directory)
    assert set(_digests(first.directory)) == {
        "log/impressions-00000.parquet",
        "truth/truth-00000.parquet",
        "marketplace.json",
    }


def test_write_same_bytes_from_another_process(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from rankbeam.simulator.spec import MarketplaceSpec\n"
        "from rankbeam.simulator.write import write\n"
        "write(MarketplaceSpec(impressions=3_000, users=100, offers=30), sys.argv[1])\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(tmp_path / "theirs")]
    subprocess.run(command, check=True, env=environment)
    assert _digests(tmp_path / "theirs") == _digests(write(_SPEC, tmp_path / "ours").directory)


def test_write_twice_at_once_is_written_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: write(_SPEC, tmp_path / "m"), range(4)))
    assert written == [written[0]] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_write_other_seed_other_bytes(tmp_path: Path) -> None:
    first = write(_SPEC, tmp_path / "a")
    other = write(dataclasses.replace(_SPEC, seed=8), tmp_path / "b")
    ours, theirs = _digests(first.directory), _digests(other.directory)
    assert all(ours[name] != theirs[name] for name in ours)


def test_write_holds_what_simulate_gives(tmp_path: Path) -> None:
    written, simulated = write(_SPEC, tmp_path / "m"), run(_SPEC)
    assert written.read_log().equals(simulated.log)
    assert written.read_truth().equals(simulated.truth)
    assert written.clicks == simulated.column("click").sum()
    assert written.conversions == simulated.column("conversion").sum()
    assert written.spec == _SPEC


def test_write_cuts_long_logs_into_files(tmp_path: Path) -> None:
    written = write(dataclasses.replace(_SPEC, impressions=ROWS_PER_FILE + 10), tmp_path / "m")
    for files in (written.log_files, written.truth_files):
        assert [pq.ParquetFile(file).metadata.num_rows for file in files] == [ROWS_PER_FILE, 10]
    assert [file.name for file in written.log_files] == [
        "impressions-00000.parquet",
        "impressions-00001.parquet",
    ]
    ids = written.read_log().column("impression_id")
    assert ids.equals(written.read_truth().column("impression_id"))
    assert ids[-1].as_py() == ROWS_PER_FILE + 9


def test_write_manifest_names_no_machine(tmp_path: Path) -> None:
    manifest = (write(_SPEC, tmp_path / "m").directory / MANIFEST).read_text("utf-8")
    assert str(tmp_path) not in manifest
    assert MarketplaceSpec.from_dict(json.loads(manifest)["spec"]) == _SPEC


def test_write_leaves_no_other_files(tmp_path: Path) -> None:
    write(_SPEC, tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_write_accepts_an_empty_folder_and_respects_the_umask(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    plain = tmp_path / "plain"
    plain.mkdir()
    written = write(_SPEC, tmp_path / "m")
    assert written.directory.stat().st_mode == plain.stat().st_mode


def test_write_reuses_the_same_marketplace(tmp_path: Path) -> None:
    first = write(_SPEC, tmp_path / "m")
    times = [file.stat().st_mtime_ns for file in first.log_files]
    again = write(dataclasses.replace(_SPEC), str(tmp_path / "m"))
    assert again == first
    assert [file.stat().st_mtime_ns for file in again.log_files] == times


def test_write_refuses_another_marketplace(tmp_path: Path) -> None:
    written = write(_SPEC, tmp_path / "m")
    before = _digests(written.directory)
    with pytest.raises(ValueError, match=r"another marketplace \(seed=7 instead of 8\)"):
        write(dataclasses.replace(_SPEC, seed=8), tmp_path / "m")
    assert _digests(written.directory) == before


def test_write_refuses_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"must be empty or hold a marketplace; got no market"):
        write(_SPEC, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_write_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("mine")
    with pytest.raises(ValueError, match=r"m must be a folder; got a file"):
        write(_SPEC, tmp_path / "m")


def _cut_log(folder: Path) -> None:
    os.truncate(folder / "log" / "impressions-00000.parquet", 100)


def _remove_truth(folder: Path) -> None:
    (folder / "truth" / "truth-00000.parquet").unlink()


def _break_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("{", encoding="utf-8")


def _replace_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("[]", encoding="utf-8")


def _raise_version(folder: Path) -> None:
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    changed = text.replace('"format_version": 1', '"format_version": 99')
    (folder / MANIFEST).write_text(changed, encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut_log, r"impressions-00000.parquet must have \d+ bytes; got 100"),
        (_remove_truth, r"truth-00000.parquet must have \d+ bytes; got None"),
        (_break_manifest, r"marketplace.json must be JSON; got Expecting"),
        (_replace_manifest, r"must have format_version 1; got None"),
        (_raise_version, r"must have format_version 1; got 99"),
    ],
)
def test_write_refuses_a_damaged_marketplace(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(write(_SPEC, tmp_path / "m").directory)
    with pytest.raises(ValueError, match=message):
        write(_SPEC, tmp_path / "m")
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "m")


def test_load_needs_a_marketplace(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got no marketplace.json"):
        load(tmp_path / "nowhere")


def test_write_leaves_nothing_when_the_disk_refuses(tmp_path: Path) -> None:
    """A limit on the size of files makes the operating system fail the write half-way."""
    code = (
        "import resource, sys\n"
        "from rankbeam.simulator.spec import MarketplaceSpec\n"
        "from rankbeam.simulator.write import write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    write(MarketplaceSpec(impressions=20_000), sys.argv[1])\n"
        "except OSError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "refused:" in answer.stderr
    assert not list(tmp_path.iterdir())
