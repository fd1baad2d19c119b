"""Streaming: batches, determinism, independence of batch size, bounded memory."""

import dataclasses
import itertools
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.simulator.simulate import BLOCK_ROWS, simulate
from rankbeam.simulator.spec import MarketplaceSpec
from tests.simulator.marketplaces import run

_SPEC = MarketplaceSpec(impressions=150_000, users=300, offers=50)


@pytest.mark.parametrize(
    ("batch_rows", "sizes"),
    [
        (BLOCK_ROWS, [65_536, 65_536, 18_928]),
        (50_000, [50_000] * 3),
        (100_000, [100_000, 50_000]),
        (10**9, [150_000]),
    ],
)
def test_simulate_batches_have_the_size_asked_for(batch_rows: int, sizes: list[int]) -> None:
    batches = list(simulate(_SPEC, batch_rows=batch_rows))
    assert [batch.log.num_rows for batch in batches] == sizes
    assert [batch.truth.num_rows for batch in batches] == sizes


@pytest.mark.parametrize("batch_rows", [7_777, 100_000])
def test_simulate_rows_do_not_depend_on_the_batch_size(batch_rows: int) -> None:
    whole, batches = run(_SPEC), list(simulate(_SPEC, batch_rows=batch_rows))
    assert pa.concat_tables([batch.log for batch in batches]).equals(whole.log)
    assert pa.concat_tables([batch.truth for batch in batches]).equals(whole.truth)


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_simulate_tiny_logs(rows: int) -> None:
    spec = MarketplaceSpec(
        impressions=rows, users=1, offers=1, partners=1, days=1, positions=1, new_offers_per_day=0
    )
    simulated = run(spec)
    assert simulated.log.num_rows == rows
    assert set(simulated.names("offer_id")) == {"o0"}
    assert set(simulated.column("propensity")) == {1.0}


def test_simulate_refuses_empty_batches() -> None:
    with pytest.raises(ValueError, match=r"batch_rows must be >= 1; got 0"):
        simulate(_SPEC, batch_rows=0)


def test_simulate_same_seed_same_rows_other_seed_other_rows() -> None:
    spec = dataclasses.replace(_SPEC, impressions=5_000)
    first, again = run(spec), run(spec)
    other = run(dataclasses.replace(spec, seed=8))
    assert first.log.equals(again.log)
    assert first.truth.equals(again.truth)
    assert not first.log.column("price").equals(other.log.column("price"))


def test_simulate_replicates_share_the_marketplace_only() -> None:
    first = run(_SPEC)
    other = run(dataclasses.replace(_SPEC, replicate=1, impressions=120_000))
    prices = [
        dict(zip(log.names("offer_id"), log.column("price"), strict=True)) for log in (first, other)
    ]
    shared = prices[0].keys() & prices[1].keys()
    assert len(shared) > 100
    assert all(prices[0][offer] == prices[1][offer] for offer in shared)
    same = first.names("user_id")[:10_000] == other.names("user_id")[:10_000]
    # Two independent draws name the same user with probability sum(activity**2), about 1 %.
    assert np.mean(same) < 0.05


def _peak_bytes(blocks: int) -> int:
    """Peak of NumPy's and Arrow's memory while a stream of `blocks` blocks is consumed."""
    spec = dataclasses.replace(_SPEC, impressions=100 * BLOCK_ROWS)
    arrow = 0
    tracemalloc.start()
    try:
        before = pa.total_allocated_bytes()
        for _ in itertools.islice(simulate(spec), blocks):
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        return arrow + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_simulate_memory_is_bounded() -> None:
    # A third block may coexist with the one the consumer still holds; the ninth adds nothing.
    assert _peak_bytes(9) < 1.2 * _peak_bytes(3)
