"""The batching section: as TensorFlow Serving takes it, or refused with the field and the rule."""

from typing import Any

import pytest
from pydantic import ValidationError

from rankbeam.serving.batching_spec import BatchingSpec
from rankbeam.serving.settings.batching import BatchingSettings


def test_batching_spec_leaves_the_threads_to_the_machine() -> None:
    assert BatchingSpec().settings().num_batch_threads == BatchingSettings().num_batch_threads
    assert BatchingSpec(num_batch_threads=7).settings().num_batch_threads == 7


def test_batching_spec_hands_over_every_field() -> None:
    spec = BatchingSpec(
        max_batch_size=64,
        batch_timeout_micros=500,
        max_enqueued_batches=9,
        num_batch_threads=3,
        allowed_batch_sizes=(8, 64),
    )
    assert spec.settings() == BatchingSettings(
        max_batch_size=64,
        batch_timeout_micros=500,
        max_enqueued_batches=9,
        num_batch_threads=3,
        allowed_batch_sizes=(8, 64),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_batch_size": 0}, "greater than or equal to 1"),
        ({"batch_timeout_micros": -1}, "greater than or equal to 0"),
        ({"allowed_batch_sizes": (8, 4, 128)}, r"allowed_batch_sizes must increase; got \[8, 4,"),
        ({"allowed_batch_sizes": (8, 64)}, "must end with max_batch_size, 128"),
        ({"batch_size": 3}, "batch_size"),
    ],
)
def test_batching_spec_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BatchingSpec(**fields)
