"""Names of the log's files: whose they are."""

from pathlib import Path

from rankbeam.serving.request_log.names import finished_of

_NAME = "m-20250131T101500Z-host-1-0123abcd-{:06d}.tfrecord"


def test_finished_files_of_a_model_are_not_those_of_one_that_is_named_like_it(
    tmp_path: Path,
) -> None:
    longer, day = "m-20250131T000000Z", tmp_path / "20250131"
    mine = day / _NAME.format(0)
    theirs = day / f"{longer}-20250131T101500Z-host-1-0123abcd-000001.tfrecord"
    day.mkdir()
    for file in (mine, theirs):
        file.touch()
    assert finished_of(tmp_path, "m") == [mine]
    assert finished_of(tmp_path, longer) == [theirs]
    assert finished_of(tmp_path / "nowhere", "m") == []
