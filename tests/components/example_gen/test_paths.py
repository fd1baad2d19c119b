"""Where the source's files are, and that TFX's driver finds the same."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.proto import example_gen_pb2, range_config_pb2

from rankbeam.components.example_gen.paths import check_source, input_layout
from rankbeam.components.example_gen.sources.files import list_files
from rankbeam.components.example_gen.spec import DataSpec
from rankbeam.transform.errors import ConfigError, DataError


def _data(path: str, **split: str) -> DataSpec:
    return DataSpec.model_validate(
        {
            "source": {"kind": "csv", "path": path},
            "split": {"kind": "folders", **split} if split else {"kind": "row_hash"},
        }
    )


def _touch(base: Path, names: Sequence[str]) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text("a\n1\n")


def _found(base: Path, path: str, span: int | None = None, **split: str) -> dict[str, list[str]]:
    files = check_source(_data(path, **split), str(base), span)
    return {name: [os.path.relpath(f, base) for f in some] for name, some in files.items()}


@pytest.mark.parametrize(
    ("path", "base", "pattern"),
    [
        ("log.csv", "", "log.csv"),
        ("sub/log.csv", "sub", "log.csv"),
        ("sub", "sub", "*"),
        ("sub/", "sub", "*"),
        ("sub/*.csv", "sub", "*.csv"),
        ("*/log.csv", "", "*/log.csv"),
        ("days/{SPAN}", "days", "{SPAN}/*"),
        ("days/{SPAN:2}/log.csv", "days", "{SPAN:2}/log.csv"),
        ("not-there-yet.csv", "", "not-there-yet.csv"),
        ("not-there-yet/", "not-there-yet", "*"),
    ],
)
def test_layout_splits_path_at_first_wildcard(
    tmp_path: Path, path: str, base: str, pattern: str
) -> None:
    _touch(tmp_path, ["log.csv", "sub/log.csv", "days/01/log.csv"])
    layout = input_layout(_data(path), str(tmp_path))
    assert layout.base == str(tmp_path / base).rstrip("/")
    assert layout.patterns == {"all": pattern}


def test_layout_of_folders_has_train_and_eval(tmp_path: Path) -> None:
    _touch(tmp_path, ["log/train/a.csv", "log/test/a.csv"])
    layout = input_layout(_data("log", train="train", eval="test"), str(tmp_path))
    assert layout.base == str(tmp_path / "log")
    assert layout.patterns == {"train": "train/*", "eval": "test/*"}


def test_layout_of_file_at_root_has_a_base() -> None:
    layout = input_layout(_data("/log.csv"), "")
    assert (layout.base, layout.patterns) == ("/", {"all": "log.csv"})


def test_layout_takes_remote_paths_as_written() -> None:
    layout = input_layout(_data("logs/{SPAN}/"), "gs://bucket/data")
    assert layout.base == "gs://bucket/data/logs"
    assert layout.patterns == {"all": "{SPAN}/*"}
    assert check_source(_data("gs://bucket/data/log.csv"), "") == {}


def test_files_come_in_name_order_without_hidden_ones(tmp_path: Path) -> None:
    _touch(tmp_path, ["log/b.csv", "log/a.csv", "log/.a.crc", "log/_SUCCESS", "log/sub/c.csv"])
    assert _found(tmp_path, "log") == {"all": ["log/a.csv", "log/b.csv"]}


def test_files_of_an_absolute_path_ignore_base_dir(tmp_path: Path) -> None:
    _touch(tmp_path, ["a.csv"])
    files = check_source(_data(str(tmp_path / "a.csv")), "/nowhere")
    assert files == {"all": (str(tmp_path / "a.csv"),)}


def test_span_is_the_highest_number_or_the_one_asked_for(tmp_path: Path) -> None:
    _touch(tmp_path, ["day-9/a.csv", "day-10/a.csv", "day-10/b.csv"])
    assert _found(tmp_path, "day-{SPAN}") == {"all": ["day-10/a.csv", "day-10/b.csv"]}
    assert _found(tmp_path, "day-{SPAN}", span=9) == {"all": ["day-9/a.csv"]}


def test_span_with_width_is_padded(tmp_path: Path) -> None:
    _touch(tmp_path, ["day-009.csv", "day-010.csv"])
    assert _found(tmp_path, "day-{SPAN:3}.csv") == {"all": ["day-010.csv"]}
    assert _found(tmp_path, "day-{SPAN:3}.csv", span=9) == {"all": ["day-009.csv"]}


@pytest.mark.parametrize("span", [None, 3])
@pytest.mark.parametrize(
    "path", ["day/{SPAN}", "day/{SPAN}/", "d*/{SPAN}/*.csv", "file/{SPAN}.csv", "pad/{SPAN:3}"]
)
def test_files_are_those_of_the_stock_driver(tmp_path: Path, path: str, span: int | None) -> None:
    for number in (3, 12):
        _touch(tmp_path, [f"day/{number}/a.csv", f"day/{number}/b.csv", f"file/{number}.csv"])
        _touch(tmp_path, [f"pad/{number:03}/a.csv"])
    layout = input_layout(_data(path), str(tmp_path))
    split = example_gen_pb2.Input.Split(name="all", pattern=layout.patterns["all"])
    asked = None
    if span is not None:
        only = range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
        asked = range_config_pb2.RangeConfig(static_range=only)
    processor = FileBasedInputProcessor(layout.base, [split], asked)
    chosen, version = processor.resolve_span_and_version()
    pattern = processor.get_pattern_for_span_version(split.pattern, chosen, version)
    assert chosen == (span or 12)
    files = check_source(_data(path), str(tmp_path), span)
    assert files == {"all": list_files(f"{layout.base}/{pattern}")}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("nothing.csv", "must lead to files; nothing is at /.*/nothing.csv"),
        ("nothing/*.csv", "must lead to files; nothing is at /.*/nothing/\\*.csv"),
        ("nothing/{SPAN}", "must lead to files; nothing matches /.*/nothing/\\*"),
        ("empty", "must lead to files, not counting .*; none match /.*/empty/\\*"),
        ("words/{SPAN}", "must stand for a number; got /.*/words/latest"),
    ],
)
def test_source_that_is_not_there_is_named(tmp_path: Path, path: str, rule: str) -> None:
    (tmp_path / "empty").mkdir()
    _touch(tmp_path, ["empty/_SUCCESS", "words/1/a.csv", "words/latest/a.csv"])
    with pytest.raises(DataError, match=rule):
        check_source(_data(path), str(tmp_path))


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("days/**/a.csv", "must not use \\*\\*"),
        ("{SPAN}/{SPAN}.csv", "one placeholder"),
        ("{YYYY}/a.csv", "one placeholder, .* got /.*/{YYYY}/a.csv"),
        ("{SPAN:x}/a.csv", "one placeholder"),
        ("{SPAN:0}/a.csv", "one placeholder"),
        ("odd[1]/a.csv", "must not lead through a folder with \\[ in its name"),
        ("padded/{SPAN}", "how wide its spans are, as in {SPAN:2}, because 07 is padded"),
    ],
)
def test_path_that_cannot_work_is_named(tmp_path: Path, path: str, rule: str) -> None:
    _touch(tmp_path, ["padded/07/a.csv", "odd[1]/a.csv"])
    with pytest.raises(ConfigError, match=rule):
        check_source(_data(path), str(tmp_path))


def test_span_that_is_not_there_is_named(tmp_path: Path) -> None:
    _touch(tmp_path, ["1/a.csv", "12/a.csv"])
    with pytest.raises(DataError, match=r"must be one of those at .*, 1 to 12; got 5"):
        check_source(_data("{SPAN}"), str(tmp_path), span=5)


def test_span_without_placeholder_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, ["a.csv"])
    with pytest.raises(ConfigError, match=r"must hold {SPAN} where a span is asked for"):
        check_source(_data("a.csv"), str(tmp_path), span=5)


def test_spans_of_folders_must_agree(tmp_path: Path) -> None:
    _touch(tmp_path, ["1/train/a.csv", "1/eval/a.csv", "2/train/a.csv"])
    with pytest.raises(DataError, match="must be the same for train and eval; got 2 and 1"):
        check_source(_data("{SPAN}", train="train"), str(tmp_path))


def test_missing_eval_folder_is_named(tmp_path: Path) -> None:
    _touch(tmp_path, ["log/train/a.csv"])
    with pytest.raises(DataError, match=r"nothing is at /.*/log/eval"):
        check_source(_data("log", train="train"), str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_named(tmp_path: Path) -> None:
    _touch(tmp_path, ["a.csv"])
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(DataError, match=r"a.csv must be readable; permission denied"):
        check_source(_data("a.csv"), str(tmp_path))
