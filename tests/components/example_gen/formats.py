"""The same random rows in every format that is read."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from tests.components.example_gen.runs import Row, write_avro, write_parquet


def random_rows(count: int) -> list[dict[str, Any]]:
    """Rows with zeros, empty texts, False, nulls and text beyond ASCII."""
    generator = np.random.default_rng(0)
    names = [None, "", "0", "a", "naïve", "日本", ' "q", ', "line\nbreak", "x" * 300]
    sizes = [None, 0.0, -0.0, 1.5, -2.25, 1e30, math.inf]
    tags = [None, [], ["a"], ["b", "a", "b"], ["é", ""]]

    def pick(values: list[Any]) -> Any:
        return values[generator.integers(len(values))]

    return [
        {
            "name": pick(names),
            "size": pick(sizes),
            "tags": pick(tags),
            "click": pick([None, 0, 1]),
            "moment": number,
        }
        for number in range(count)
    ]


def expected_row(row: dict[str, Any]) -> Row:
    """What a tf.Example of the row holds, without its time."""
    encoded = [] if row["name"] is None else [row["name"].encode()]
    return {
        "name": encoded,
        "size": [] if row["size"] is None else [float(np.float32(row["size"]))],
        "tags": [tag.encode() for tag in row["tags"] or []],
        "click": [] if row["click"] is None else [row["click"]],
    }


def parquet_of(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as Parquet."""
    clicks = [None if row["click"] is None else bool(row["click"]) for row in rows]
    write_parquet(
        path,
        {
            **{name: [row[name] for row in rows] for name in ("name", "size", "tags", "moment")},
            "click": pa.array(clicks, pa.bool_()),
        },
    )


def avro_of(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as Avro."""
    tags = {"type": "array", "items": "string"}
    kinds = {"name": "string", "size": "double", "tags": tags, "click": "boolean"}
    fields = [{"name": name, "type": ["null", kind]} for name, kind in kinds.items()]
    clicks = [None if row["click"] is None else bool(row["click"]) for row in rows]
    write_avro(
        path,
        [*fields, {"name": "moment", "type": "long"}],
        [{**row, "click": click} for row, click in zip(rows, clicks, strict=True)],
    )


def csv_of(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV, with the quotes that tell an empty text from nothing."""

    def cell(value: Any) -> str:
        if value is None:
            return ""
        text = "|".join(value) if isinstance(value, list) else str(value)
        return '"' + text.replace('"', '""') + '"'

    lines = [",".join(rows[0])] + [",".join(map(cell, row.values())) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def tfrecord_of(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as tf.Examples."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            example = tf.train.Example()
            feature = example.features.feature
            expected = expected_row(row)
            feature["moment"].int64_list.value.append(row["moment"])
            for name in ("name", "tags"):
                if row[name] is not None:
                    feature[name].bytes_list.value.extend(expected[name])
            if row["size"] is not None:
                feature["size"].float_list.value.extend(expected["size"])
            if row["click"] is not None:
                feature["click"].int64_list.value.extend(expected["click"])
            writer.write(example.SerializeToString())
