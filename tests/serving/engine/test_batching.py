"""The batcher on a real model: same answers as alone, and who is told what when things go wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from rankbeam.serving.engine.batching import Batcher
from rankbeam.serving.servable import Servable
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.status import Refusal
from tests.serving.engine.batched import LONG_MICROS, Counted, examples, expected


def _run(
    settings: BatchingSettings,
    executor: ThreadPoolExecutor,
    act: Callable[[Batcher], Awaitable[Any]],
) -> tuple[Any, list[int]]:
    metrics = Counted()

    async def main() -> Any:
        return await act(Batcher(settings, executor, metrics))

    return asyncio.run(main()), metrics.sizes


def test_batching_requests_share_a_batch_and_keep_their_own_answers(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    sizes = [1, 3, 2, 1, 1]
    settings = BatchingSettings(max_batch_size=8, batch_timeout_micros=LONG_MICROS)

    async def act(batcher: Batcher) -> Any:
        starts = np.cumsum([0, *sizes[:-1]]).tolist()
        return await asyncio.gather(
            *(
                batcher.call(servable, servable.signature(""), examples(first, size), None)
                for first, size in zip(starts, sizes, strict=True)
            )
        )

    answers, batches = _run(settings, executor, act)
    assert batches == [8]
    for first, size, answer in zip(np.cumsum([0, *sizes[:-1]]), sizes, answers, strict=True):
        np.testing.assert_allclose(answer["click"], expected(int(first), size), atol=2e-7)


def test_batching_a_lone_request_starts_after_the_timeout(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(max_batch_size=8, batch_timeout_micros=1000)

    async def act(batcher: Batcher) -> Any:
        return await batcher.call(servable, servable.signature(""), examples(0, 2), None)

    answer, batches = _run(settings, executor, act)
    assert batches == [2]
    np.testing.assert_allclose(answer["click"], expected(0, 2), atol=2e-7)


def test_batching_pads_to_an_allowed_size(servable: Servable, executor: ThreadPoolExecutor) -> None:
    settings = BatchingSettings(max_batch_size=8, allowed_batch_sizes=(4, 8))
    count = servable.signature("parsed_examples")

    async def act(batcher: Batcher) -> Any:
        before = count.call({})["count"]
        answer = await batcher.call(servable, servable.signature(""), examples(0, 3), None)
        return answer, count.call({})["count"] - before

    (answer, parsed), batches = _run(settings, executor, act)
    assert parsed == 4, "the graph saw the padded batch"
    assert batches == [3], "the metric counts candidates, not padding"
    assert answer["click"].shape == (3,)


def test_batching_one_bad_example_spoils_its_own_request_only(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(max_batch_size=3, batch_timeout_micros=LONG_MICROS)
    bad = {"examples": np.array([b"\xff no example"], dtype=object)}

    async def act(batcher: Batcher) -> Any:
        signature = servable.signature("")
        return await asyncio.gather(
            batcher.call(servable, signature, examples(0, 1), None),
            batcher.call(servable, signature, bad, None),
            batcher.call(servable, signature, examples(5, 1), None),
            return_exceptions=True,
        )

    (first, refused, last), _ = _run(settings, executor, act)
    np.testing.assert_allclose(first["click"], expected(0, 1), atol=2e-7)
    np.testing.assert_allclose(last["click"], expected(5, 1), atol=2e-7)
    assert isinstance(refused, Refusal)
    assert "Could not parse example input" in refused.message


def test_batching_refuses_more_rows_than_a_batch_holds(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(max_batch_size=2)

    async def act(batcher: Batcher) -> Any:
        await batcher.call(servable, servable.signature(""), examples(0, 3), None)

    with pytest.raises(
        Refusal,
        match="INVALID_ARGUMENT: Task size 3 is larger than maximum input batch size 2",
    ):
        _run(settings, executor, act)


def test_batching_splits_a_large_request_where_it_may(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(
        max_batch_size=16, enable_large_batch_splitting=True, max_execution_batch_size=4
    )

    async def act(batcher: Batcher) -> Any:
        return await batcher.call(servable, servable.signature(""), examples(0, 10), None)

    answer, batches = _run(settings, executor, act)
    assert sorted(batches) == [2, 4, 4]
    np.testing.assert_allclose(answer["click"], expected(0, 10), atol=2e-7)


def test_batching_refuses_what_finds_too_many_waiting(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(
        max_batch_size=2, batch_timeout_micros=LONG_MICROS, max_enqueued_batches=1
    )

    async def act(batcher: Batcher) -> Any:
        waiting = asyncio.ensure_future(
            batcher.call(servable, servable.signature(""), examples(0, 1), None)
        )
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match=r"UNAVAILABLE: The batch scheduling queue .* full"):
            await batcher.call(servable, servable.signature(""), examples(1, 2), None)
        filling = batcher.call(servable, servable.signature(""), examples(1, 1), None)
        return await asyncio.gather(waiting, filling)

    answers, batches = _run(settings, executor, act)
    assert batches == [2]
    assert [len(answer["click"]) for answer in answers] == [1, 1]


def test_batching_drops_requests_whose_deadline_passed_or_whose_caller_left(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(max_batch_size=3, batch_timeout_micros=LONG_MICROS)
    signature = servable.signature("")

    async def act(batcher: Batcher) -> Any:
        late = asyncio.ensure_future(
            batcher.call(servable, signature, examples(0, 1), time.monotonic() - 1.0)
        )
        gone = asyncio.ensure_future(batcher.call(servable, signature, examples(1, 1), None))
        await asyncio.sleep(0)
        gone.cancel()
        kept = await batcher.call(servable, signature, examples(2, 1), None)
        return kept, (await asyncio.gather(late, gone, return_exceptions=True))

    (kept, (late, gone)), batches = _run(settings, executor, act)
    assert batches == [1]
    np.testing.assert_allclose(kept["click"], expected(2, 1), atol=2e-7)
    assert isinstance(late, Refusal)
    assert late.code.name == "DEADLINE_EXCEEDED"
    assert isinstance(gone, asyncio.CancelledError)


def _raw(tags: list[list[str]]) -> dict[str, Any]:
    rows = len(tags)
    return {
        "age": np.zeros([rows, 1], np.int64),
        "price": np.zeros([rows, 1], np.float32),
        "tags": np.array(tags, dtype=object),
        "user": np.full([rows, 1], b"ada", dtype=object),
    }


@pytest.mark.parametrize(("pad", "expected"), [(False, [1, 1]), (True, [2])])
def test_batching_joins_unequal_inner_dimensions_only_with_padding(
    servable: Servable, executor: ThreadPoolExecutor, pad: bool, expected: list[int]
) -> None:
    settings = BatchingSettings(
        max_batch_size=2, batch_timeout_micros=20_000, pad_variable_length_inputs=pad
    )
    signature = servable.signature("raw_tensors")

    async def act(batcher: Batcher) -> Any:
        return await asyncio.gather(
            batcher.call(servable, signature, _raw([["a"]]), None),
            batcher.call(servable, signature, _raw([["a", "b"]]), None),
        )

    answers, batches = _run(settings, executor, act)
    assert batches == expected
    alone: Mapping[str, Any] = signature.call(_raw([["a"]]))
    for answer in answers:
        np.testing.assert_array_equal(answer["click"], alone["click"])


def test_batching_leaves_alone_what_has_no_rows(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    async def act(batcher: Batcher) -> Any:
        return [
            await batcher.call(servable, servable.signature("parsed_examples"), {}, None),
            await batcher.call(
                servable, servable.signature("slow"), {"rounds": np.array(1, np.int32)}, None
            ),
            await batcher.call(servable, servable.signature(""), examples(0, 0), None),
        ]

    answers, batches = _run(BatchingSettings(), executor, act)
    assert answers == [None, None, None]
    assert batches == []
