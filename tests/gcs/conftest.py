"""A bucket."""

from collections.abc import Iterator

import pytest
from google.cloud import storage

from tests.gcs.server import GcsServer


@pytest.fixture
def bucket(gcs: GcsServer) -> Iterator[storage.Bucket]:
    """An empty bucket, as Google's client has it."""
    gcs.create_bucket("bucket")
    yield gcs.client().bucket("bucket")
    gcs.reset()
