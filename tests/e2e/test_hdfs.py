"""A pipeline whose data, schema and models are on HDFS, held against the one on local disks."""

from pathlib import Path

import pytest

from rankbeam.components.remote.files import download_folder, upload
from tests.e2e.command import rankbeam
from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import pushed, records, states
from tests.e2e.scores import scores
from tests.e2e.tiny import IMPORTING_NODES, write_config

pytestmark = pytest.mark.slow

_CLAIMS = ".rankbeam-push-claims"


def test_models_on_hdfs_are_those_of_a_local_run(
    hdfs_root: str, undisturbed: Undisturbed, market: Path, tmp_path: Path
) -> None:
    [log] = (market / "span-1" / "log").glob("*.parquet")
    upload(log, f"{hdfs_root}/logs/span-1/log/{log.name}")
    upload(undisturbed.schema, f"{hdfs_root}/schemas/tiny.pbtxt")
    places = {
        "data.source.path": f"{hdfs_root}/logs/span-{{SPAN}}/log/*.parquet",
        "data.schema_path": f"{hdfs_root}/schemas/tiny.pbtxt",
        "push.destination": f"{hdfs_root}/models/tiny",
    }
    config, output = write_config(tmp_path, places), tmp_path / "out"
    finished = rankbeam("run", config, "--output", output)
    assert (finished.code, finished.err) == (0, "")
    [record] = records(output)
    assert states(record) == dict.fromkeys(IMPORTING_NODES, "done")
    assert (record["version"], record["destination"]) == (1, places["push.destination"])
    copy = tmp_path / "copy"
    download_folder(places["push.destination"], copy / "tiny")
    found = pushed(copy, "tiny")
    assert (set(found), found["1"]) == ({"1", _CLAIMS}, undisturbed.pushed["1"])
    assert list((copy / "tiny" / _CLAIMS).iterdir()) == []
    theirs, ours = scores(market, undisturbed.output / "pushed" / "1", copy / "tiny" / "1")
    assert ours == theirs
