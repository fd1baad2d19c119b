"""A small valid config, and ways to change one line of it."""

from pathlib import Path

VALID = """\
name: shop
data:
  source: {kind: parquet, path: log/*.parquet}
  split: {kind: entity_hash, column: user_id}
features:
  user_id: {kind: id, hash_buckets: 1000}
  device:
    kind: categorical
    oov_buckets: 2
  price: {kind: numeric, scaling: log}
tasks:
  click: {label: click}
  conversion: {label: conversion, given: click}
model:
  sharing:
    kind: mmoe
    experts: 2
  structure: {kind: esmm}
evaluation:
  slices: [[device]]
  gates:
    - {output: click, metric: auc, min: 0.6}
"""


def write_config(folder: Path, old: str = "", new: str = "") -> Path:
    """Write the valid config with `old` replaced by `new`."""
    assert old in VALID
    file = folder / "rankbeam.yaml"
    file.write_text(VALID.replace(old, new, 1) if old else VALID, encoding="utf-8")
    return file
