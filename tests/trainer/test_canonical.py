"""Canonical SavedModels: equal bytes for equal models, whatever was traced before."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from rankbeam.trainer.canonical import canonicalise


def _save(folder: Path, weight: float, functions_before: int) -> None:
    """Saves a model with a variable, a table, nested functions and a column called x_12345."""
    for i in range(functions_before):
        tf.function(lambda x, i=i: x + i, autograph=False)(tf.constant(1.0))
    module = tf.Module(name="module")
    module.weight = tf.Variable(weight)
    words = folder.parent / "words.txt"
    words.write_text("a\nb\n")
    whole, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    values = tf.lookup.TextFileInitializer(str(words), tf.string, whole, tf.int64, line)
    module.table = tf.lookup.StaticHashTable(values, default_value=7)
    inner = tf.function(
        lambda key: module.weight * tf.cast(module.table.lookup(key), tf.float32), autograph=False
    )
    module.serve = tf.function(
        lambda columns: {"y": inner(columns["k e y"]) + columns["x_12345"]},
        input_signature=(
            {
                "k e y": tf.TensorSpec((None,), tf.string, name="column_at_0"),
                "x_12345": tf.TensorSpec((None,), tf.float32, name="x_12345"),
            },
        ),
        autograph=False,
    )
    tf.saved_model.save(module, str(folder), signatures={"serve": module.serve})
    canonicalise(str(folder), {"column_at_0": "k e y"})


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_canonical_bytes_do_not_depend_on_what_was_traced_before(tmp_path: Path) -> None:
    _save(tmp_path / "one", 3.0, functions_before=0)
    _save(tmp_path / "two", 3.0, functions_before=7)
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_canonical_bytes_depend_on_the_weights(tmp_path: Path) -> None:
    _save(tmp_path / "one", 3.0, functions_before=0)
    _save(tmp_path / "two", 4.0, functions_before=0)
    assert _bytes(tmp_path / "one") != _bytes(tmp_path / "two")


def test_canonical_model_loads_and_takes_columns_by_their_names(tmp_path: Path) -> None:
    _save(tmp_path / "model", 3.0, functions_before=0)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    columns = {"k e y": tf.constant(["a", "b", "c"]), "x_12345": tf.constant([1.0, 1.0, 1.0])}
    # 3 · table(key) + 1: a is in line 0, b in line 1, c gets the default 7
    np.testing.assert_array_equal(loaded.signatures["serve"](**columns)["y"], [1.0, 4.0, 22.0])


def test_canonical_models_of_one_process_keep_their_tables_apart(tmp_path: Path) -> None:
    _save(tmp_path / "one", 3.0, functions_before=0)
    _save(tmp_path / "two", 5.0, functions_before=0)
    columns = {"k e y": tf.constant(["b"]), "x_12345": tf.constant([0.0])}
    one, two = (tf.saved_model.load(str(tmp_path / name)) for name in ("one", "two"))
    assert one.signatures["serve"](**columns)["y"].numpy().tolist() == [3.0]
    assert two.signatures["serve"](**columns)["y"].numpy().tolist() == [5.0]
