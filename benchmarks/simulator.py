"""How fast the simulated marketplace is written, against a generator that works row by row.

Both sides draw the same marketplace by the same equations and write the log and its truth as
Parquet, each in a process of its own on one core, in turn. Run: `python benchmarks/simulator.py`.
"""

from __future__ import annotations

import argparse
import bisect
import dataclasses
import itertools
import math
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rankbeam.simulator import effects
from rankbeam.simulator.policy import propensities
from rankbeam.simulator.simulate import Marketplace
from rankbeam.simulator.spec import SECONDS_PER_DAY, SECONDS_PER_HOUR, MarketplaceSpec
from rankbeam.simulator.tables import LOG_SCHEMA, TRUTH_SCHEMA
from rankbeam.simulator.world import World
from rankbeam.simulator.write import write

_CHUNK_ROWS = 10_000


class RowByRow:
    """The marketplace of `spec` in plain Python: one impression, one dict at a time."""

    def __init__(self, spec: MarketplaceSpec) -> None:
        market = Marketplace.build(spec)
        self.spec = spec
        self.intercepts = market.intercepts
        self.users = _lists(market.world.users)
        self.offers = _lists(market.world.offers)
        self.world: World = market.world
        self.random = random.Random(spec.seed)
        self.activity = list(itertools.accumulate(self.users["activity"]))
        self.policy: dict[int, tuple[list[list[float]], list[list[float]]]] = {}

    def rows(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The log's rows, each with its truth."""
        for number in range(self.spec.impressions):
            yield self._row(number)

    def _row(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        spec, draw = self.spec, self.random
        elapsed = int(number / spec.impressions * spec.days * SECONDS_PER_DAY)
        day, hour = elapsed // SECONDS_PER_DAY, elapsed % SECONDS_PER_DAY // SECONDS_PER_HOUR
        user = min(bisect.bisect(self.activity, draw.random()), spec.users - 1)
        device = self.users["main_device"][user]
        if draw.random() >= effects.MAIN_DEVICE_SHARE:
            device = self._choose(effects.DEVICE_SHARE)
        offer, propensity = self._offer(day, device, self.users["favourite"][user])
        row = {
            "day": day,
            "hour": hour,
            "user": user,
            "offer": offer,
            "device": device,
            "browser": self._choose(effects.BROWSER_SHARE[device]),
            "connection": self._choose(effects.CONNECTION_SHARE[device]),
            "placement": self._choose(effects.PLACEMENT_SHARE),
            "position": 1
            + self._choose([effects.POSITION_DECAY**slot for slot in range(spec.positions)]),
        }
        return self._outcome(number, spec.start_timestamp + elapsed, row, propensity)

    def _choose(self, weights: Any) -> int:
        return int(self.random.choices(range(len(weights)), weights=weights)[0])

    def _offer(self, day: int, device: int, favourite: int) -> tuple[int, float]:
        if day not in self.policy:
            table = propensities(self.spec, self.world, day).tolist()
            self.policy[day] = ([list(itertools.accumulate(row)) for row in table], table)
        sums, table = self.policy[day]
        context = device * (len(effects.CATEGORIES) + 1) + favourite
        offer = min(bisect.bisect(sums[context], self.random.random()), len(sums[context]) - 1)
        return offer, table[context][offer]

    def _logits(self, row: dict[str, Any]) -> tuple[float, float]:
        users, offers = self.users, self.offers
        user, offer, device = row["user"], row["offer"], row["device"]
        category = offers["category"][offer]
        age = row["day"] - offers["birth_day"][offer]
        allure = users["allure"][user] + offers["allure"][offer]
        allure += effects.ALLURE_DEVICE[device] + effects.ALLURE_PLACEMENT[row["placement"]]
        allure += effects.ALLURE_NOVELTY * math.exp(-age / effects.NOVELTY_DAYS)
        allure -= self.spec.position_bias * math.log2(row["position"])
        match = offers["match"][offer] + effects.MATCH_CATEGORY_DEVICE[category, device]
        match += effects.MATCH_INTEREST * users["interests"][user][category]
        angle = 2.0 * math.pi * (row["hour"] - effects.EVENING_HOUR) / 24.0
        match += effects.MATCH_EVENING * math.cos(angle)
        payout = math.log(offers["payout"][offer]) - effects.LOG_PAYOUT_CENTRE
        match += effects.MATCH_PAYOUT * payout
        value = effects.VALUE_CATEGORY[category] + effects.VALUE_COUNTRY[users["country"][user]]
        value += effects.VALUE_BROWSER[row["browser"]]
        value += effects.VALUE_CONNECTION[row["connection"]]
        price = math.log(offers["price"][offer]) - effects.LOG_PRICE_CENTRE
        loyalty = math.log1p(users["age_days"][user] + row["day"]) - effects.LOG_AGE_CENTRE
        value += effects.VALUE_PRICE * price + effects.VALUE_LOYALTY * loyalty
        conversion = value + effects.MATCH_CARRY * match - self.spec.selection * allure
        return self.intercepts.click + allure + match, self.intercepts.conversion + conversion

    def _outcome(
        self, number: int, timestamp: int, row: dict[str, Any], propensity: float
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        spec, draw = self.spec, self.random
        p_click, p_conversion = (1.0 / (1.0 + math.exp(-logit)) for logit in self._logits(row))
        delay_h = spec.conversion_delay_hours
        delay_s = int(draw.expovariate(1.0 / (delay_h * SECONDS_PER_HOUR)))
        left_s = spec.end_timestamp - timestamp
        click, would = draw.random() < p_click, draw.random() < p_conversion
        truth = {
            "impression_id": number,
            "p_click": p_click,
            "p_conversion_given_click": p_conversion,
            "p_ctcvr": p_click * p_conversion,
            "p_observed": -math.expm1(-left_s / (delay_h * SECONDS_PER_HOUR)),
            "would_convert": int(would),
            "conversion_delay_s": delay_s if would else None,
        }
        return self._names(number, timestamp, row, propensity) | {
            "click": int(click),
            "conversion": int(click and would and delay_s < left_s),
        }, truth

    def _names(
        self, number: int, timestamp: int, row: dict[str, Any], propensity: float
    ) -> dict[str, Any]:
        user, offer = row["user"], row["offer"]
        declared = zip(effects.CATEGORIES, self.users["interests"][user], strict=True)
        return {
            "impression_id": number,
            "timestamp": timestamp,
            "day": row["day"],
            "user_id": f"u{user}",
            "offer_id": f"o{offer}",
            "partner_id": f"p{self.offers['partner'][offer]}",
            "category": effects.CATEGORIES[self.offers["category"][offer]],
            "device": effects.DEVICES[row["device"]],
            "browser": self._maybe(effects.BROWSERS[row["browser"]]),
            "country": effects.COUNTRIES[self.users["country"][user]],
            "connection": self._maybe(effects.CONNECTIONS[row["connection"]]),
            "placement": effects.PLACEMENTS[row["placement"]],
            "position": row["position"],
            "interests": [name for name, is_declared in declared if is_declared] or None,
            "price": self.offers["price"][offer],
            "payout": self.offers["payout"][offer],
            "user_age_days": self._maybe(self.users["age_days"][user] + row["day"]),
            "offer_age_days": row["day"] - self.offers["birth_day"][offer],
            "hour": row["hour"],
            "propensity": propensity,
        }

    def _maybe(self, value: Any) -> Any:
        return None if self.random.random() < self.spec.null_fraction else value


def write_row_by_row(spec: MarketplaceSpec, directory: Path) -> None:
    """Writes what `rankbeam.simulator.write.write` writes, less carefully and one row at a time."""
    directory.mkdir(parents=True)
    rows = RowByRow(spec).rows()
    with (
        pq.ParquetWriter(directory / "log.parquet", LOG_SCHEMA) as log,
        pq.ParquetWriter(directory / "truth.parquet", TRUTH_SCHEMA) as truth,
    ):
        while chunk := list(itertools.islice(rows, _CHUNK_ROWS)):
            log.write_table(pa.Table.from_pylist([row for row, _ in chunk], LOG_SCHEMA))
            truth.write_table(pa.Table.from_pylist([row for _, row in chunk], TRUTH_SCHEMA))


def _lists(arrays: Any) -> dict[str, list[Any]]:
    fields = dataclasses.fields(arrays)
    return {field.name: getattr(arrays, field.name).tolist() for field in fields}


def _peak_mb() -> float:
    """Peak resident memory of this process, in MB of 10**6 bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no VmHWM")


def _measure(task: tuple[str, int]) -> tuple[float, float]:
    """Rows per second and peak memory of one side, in this process, on one core."""
    side, impressions = task
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    writers: dict[str, Callable[[MarketplaceSpec, Path], object]] = {
        "vectorised": write,
        "row by row": write_row_by_row,
    }
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        writers[side](MarketplaceSpec(impressions=impressions), Path(folder) / "out")
        seconds = time.perf_counter() - start
    return impressions / seconds, _peak_mb()


def main() -> None:
    """Measures both sides in turn and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--impressions", type=int, default=1_000_000, help="vectorised side")
    parser.add_argument("--naive-impressions", type=int, default=50_000, help="row-by-row side")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    tasks = {"vectorised": options.impressions, "row by row": options.naive_impressions}
    results: dict[str, list[tuple[float, float]]] = {side: [] for side in tasks}
    context = multiprocessing.get_context("spawn")
    for _ in range(options.repeats):
        for task in tasks.items():
            with context.Pool(1) as pool:
                results[task[0]].append(pool.apply(_measure, (task,)))
    medians = {
        side: [statistics.median(column) for column in zip(*runs, strict=True)]
        for side, runs in results.items()
    }
    print(f"{'side':<12}{'rows':>12}{'rows/s':>12}{'peak MB':>10}")
    for side, (rate, peak) in medians.items():
        print(f"{side:<12}{tasks[side]:>12,}{rate:>12,.0f}{peak:>10,.0f}")
    ratio = medians["vectorised"][0] / medians["row by row"][0]
    print(f"ratio of rows/s: {ratio:.0f} (median of {options.repeats}, one core each)")


if __name__ == "__main__":
    main()
