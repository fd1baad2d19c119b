"""Google's storage with the buckets that a pipeline for Dataflow is told of."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.gcs.server import GcsServer


@contextmanager
def storage(gcs: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The buckets `here` and, to nobody open, `forbidden`, for a block."""
    for name, value in gcs.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("here", "forbidden"):
        gcs.create_bucket(name)
    gcs.is_open = True  # Google's client is told of another server, and then wants no credentials
    gcs.refuses = lambda _, path, __: "/b/forbidden" in path
    try:
        yield
    finally:
        gcs.reset()
