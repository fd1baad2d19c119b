"""A file that cannot be transformed: who is to blame, and that nothing of it stays."""

import gc
from pathlib import Path

import pytest
import tensorflow as tf

from rankbeam.components.example_batches.records import split_files
from rankbeam.components.transform.materialize import FilePair, transform_file
from rankbeam.transform.errors import DataError, EnvironmentFault
from tests.components.tf_examples import write_records
from tests.disks import small_disk


def _doubled(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    """Stands for a transform graph, which takes seconds to make."""
    columns = tf.io.parse_example(examples, {"age": tf.io.FixedLenFeature([1], tf.int64)})
    return {"age": columns["age"] * 2}


def _transform(source: Path, target: Path) -> None:
    [file] = split_files(str(source))
    pair = FilePair(file, f"{target}/done.gz", f"{target}/unfinished/train")
    transform_file(pair, _doubled)


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_there_under_its_name_alone(tmp_path: Path) -> None:
    write_records(tmp_path / "raw", [{"age": 1}, {"age": 21}])
    _transform(tmp_path / "raw", tmp_path / "new")
    assert _files(tmp_path / "new") == ["done.gz"]
    records = tf.data.TFRecordDataset(str(tmp_path / "new" / "done.gz"), "GZIP")
    found = [tf.train.Example.FromString(record) for record in records.as_numpy_iterator()]
    ages = [list(example.features.feature["age"].int64_list.value) for example in found]
    assert ages == [[2], [42]]


def test_a_file_that_an_earlier_attempt_left_is_replaced_and_never_half_there(
    tmp_path: Path,
) -> None:
    write_records(tmp_path / "raw", [{"age": 1}])
    _transform(tmp_path / "raw", tmp_path / "new")
    done = tmp_path / "new" / "done.gz"
    expected = done.read_bytes()
    done.write_bytes(b"of an attempt that was wrong")
    with done.open("rb") as reader:
        _transform(tmp_path / "raw", tmp_path / "new")
        # Who reads the old file reads it to its end: the new one is another.
        assert reader.read() == b"of an attempt that was wrong"
    assert (_files(tmp_path / "new"), done.read_bytes()) == (["done.gz"], expected)


def test_a_row_of_another_kind_is_the_datas_fault_and_leaves_nothing(tmp_path: Path) -> None:
    write_records(tmp_path / "raw", [{"age": "x"}])
    with pytest.raises(DataError, match=r"raw/.* must hold examples that fit the schema; .*types"):
        _transform(tmp_path / "raw", tmp_path / "new")
    assert _files(tmp_path / "new") == []


def test_a_place_that_is_no_folder_is_the_environments_fault(tmp_path: Path) -> None:
    write_records(tmp_path / "raw", [{"age": 1}])
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot write .*file/new/done\.gz: "):
        _transform(tmp_path / "raw", tmp_path / "file" / "new")


def test_a_full_disk_is_the_environments_fault_and_leaves_nothing(tmp_path: Path) -> None:
    write_records(tmp_path / "raw", [{"age": n * 2_654_435_761 % 2**31} for n in range(60_000)])
    with small_disk(tmp_path / "disk", "64k") as disk:
        with pytest.raises(EnvironmentFault, match=r"cannot write .*done\.gz: .*[Nn]o space left"):
            _transform(tmp_path / "raw", disk)
        assert _files(disk) == []
        gc.collect()  # A writer that could not close lets go of its file when the error goes.
