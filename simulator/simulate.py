"""`simulate`: the marketplace's log and its truth, streamed in batches of bounded size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from rankbeam.simulator.impressions import Impressions, draw_impressions
from rankbeam.simulator.sampling import Stream, generator
from rankbeam.simulator.spec import SECONDS_PER_HOUR, MarketplaceSpec
from rankbeam.simulator.tables import (
    Nulls,
    Outcomes,
    Vocabularies,
    log_table,
    truth_table,
    vocabularies,
)
from rankbeam.simulator.truth import (
    Intercepts,
    calibrate,
    parts,
    probabilities,
    probability_observed,
)
from rankbeam.simulator.world import World, build_world

# Rows that share one random stream. Changing it changes every log.
BLOCK_ROWS = 65_536


@dataclasses.dataclass(frozen=True)
class ImpressionBatch:
    """Consecutive impressions: `log` (`LOG_SCHEMA`) and `truth` (`TRUTH_SCHEMA`), row for row."""

    log: pa.Table
    truth: pa.Table


@dataclasses.dataclass(frozen=True)
class Marketplace:
    """A world with its calibrated intercepts and names, ready to draw impressions from."""

    spec: MarketplaceSpec
    world: World
    intercepts: Intercepts
    names: Vocabularies

    @classmethod
    def build(cls, spec: MarketplaceSpec) -> Marketplace:
        """Draws the world of `spec` and calibrates its base rates."""
        world = build_world(spec)
        return cls(spec, world, calibrate(spec, world), vocabularies(spec, world))


def simulate(spec: MarketplaceSpec, batch_rows: int = BLOCK_ROWS) -> Iterator[ImpressionBatch]:
    """Simulates the log of `spec` in order of time.

    Rows do not depend on `batch_rows`. Memory is bounded by the marketplace, one batch and one
    block of 65,536 rows, whatever `spec.impressions` is.

    Args:
        spec: the marketplace and the length of its log.
        batch_rows: rows per batch; the last may have fewer.

    Yields:
        Batches that hold `spec.impressions` rows together.

    Raises:
        ValueError: `batch_rows` is below 1.
    """
    if batch_rows < 1:
        raise ValueError(f"batch_rows must be >= 1; got {batch_rows}")
    return _regroup(_blocks(Marketplace.build(spec)), batch_rows)


def _blocks(market: Marketplace) -> Iterator[ImpressionBatch]:
    for block, start in enumerate(range(0, market.spec.impressions, BLOCK_ROWS)):
        yield _simulate_block(market, block, start)


def _simulate_block(market: Marketplace, block: int, start: int) -> ImpressionBatch:
    spec, world = market.spec, market.world
    rng = generator(spec.seed, Stream.LOG, spec.replicate, block)
    size = min(BLOCK_ROWS, spec.impressions - start)
    # One impression in each of `impressions` equal slices of traffic keeps the log sorted.
    quantiles = (start + np.arange(size) + rng.random(size)) / spec.impressions
    rows = draw_impressions(spec, world, quantiles, rng)
    outcomes = _draw_outcomes(market, rows, rng)
    nulls = _draw_nulls(spec, size, rng)
    return ImpressionBatch(
        log=log_table(market.names, world, rows, nulls, outcomes, start),
        truth=truth_table(outcomes, start),
    )


def _draw_outcomes(market: Marketplace, rows: Impressions, rng: np.random.Generator) -> Outcomes:
    spec = market.spec
    p_click, p_conversion = probabilities(spec, market.intercepts, parts(spec, market.world, rows))
    size = p_click.size
    click = rng.random(size) < p_click
    would_convert = rng.random(size) < p_conversion
    mean_delay_s = spec.conversion_delay_hours * SECONDS_PER_HOUR
    delay_s = (-mean_delay_s * np.log1p(-rng.random(size))).astype(np.int64)
    return Outcomes(
        p_click=p_click,
        p_conversion_given_click=p_conversion,
        p_observed=probability_observed(spec, rows.timestamp),
        click=click,
        would_convert=would_convert,
        conversion_delay_s=delay_s,
        conversion=click & would_convert & (rows.timestamp + delay_s < spec.end_timestamp),
    )


def _draw_nulls(spec: MarketplaceSpec, size: int, rng: np.random.Generator) -> Nulls:
    """Nulls completely at random: the outcome follows the hidden value."""
    return Nulls(
        browser=rng.random(size) < spec.null_fraction,
        connection=rng.random(size) < spec.null_fraction,
        user_age_days=rng.random(size) < spec.null_fraction,
    )


def _regroup(batches: Iterator[ImpressionBatch], size: int) -> Iterator[ImpressionBatch]:
    """The same rows in batches of `size`."""
    log, truth = [], []
    held = 0
    for batch in batches:
        log.append(batch.log)
        truth.append(batch.truth)
        held += batch.log.num_rows
        if held < size:
            continue
        joined_log, joined_truth = pa.concat_tables(log), pa.concat_tables(truth)
        whole = held - held % size
        for start in range(0, whole, size):
            yield ImpressionBatch(joined_log.slice(start, size), joined_truth.slice(start, size))
        held -= whole
        log, truth = [joined_log.slice(whole)], [joined_truth.slice(whole)]
    if held:
        yield ImpressionBatch(pa.concat_tables(log), pa.concat_tables(truth))
