"""The questions that are asked of the servers, one function each; figures by name come back."""

from collections.abc import Sequence
from typing import Any

from benchmarks.serving_load.bench import Bench, Figures, Measure, Placement, best
from benchmarks.serving_load.sides import Endpoint, Load

SIZES = (1, 10, 100, 500)
CONCURRENCIES = (1, 2, 4, 8, 16, 32)
LATENCY_SIZE = 100
SATURATION_SIZES = (100, 500)
BARE_THREADS = (1, 2, 4)
SATURATION_CONCURRENCIES = (2, 4, 8)
SMALL_CONCURRENCY = 32
PEER_SIZES = (1, 10, 100)
PEER_CONCURRENCIES = (1, 8)
FUNCTION, SESSION = "SavedModel", "v1 Session"
_HOWS = {FUNCTION: "function", SESSION: "session"}


def latency(bench: Bench, place: Placement) -> dict[str, Figures]:
    """100 candidates, one request at a time, against the call in process."""
    measures: dict[str, Measure] = {
        name: bench.bare(place, how, LATENCY_SIZE, 1) for name, how in _HOWS.items()
    }
    for endpoint in (place.plain.grpc, place.plain.rest):
        measures[endpoint.name] = bench.served(place.generator, endpoint, LATENCY_SIZE, 1)
    return bench.in_turn(measures)


def saturation(bench: Bench, place: Placement, size: int) -> dict[str, Any]:
    """Examples a second with the cores full: the best number of threads, or of requests at once."""
    measures: dict[str, Measure] = {}
    groups: dict[str, list[str]] = {}
    for side, how in _HOWS.items():
        for threads in BARE_THREADS:
            name = f"{side}, {threads} threads"
            measures[name] = bench.bare(place, how, size, threads)
            groups.setdefault(side, []).append(name)
    for concurrency in SATURATION_CONCURRENCIES:
        name = f"{place.plain.grpc.name}, {concurrency} at once"
        measures[name] = bench.served(place.generator, place.plain.grpc, size, concurrency)
        groups.setdefault(place.plain.grpc.name, []).append(name)
    found = bench.in_turn(measures)
    return {
        side: {"best": best(found, names), "examples_s": size * found[best(found, names)]["qps"]}
        for side, names in groups.items()
    }


def batching(bench: Bench, place: Placement) -> dict[str, Figures]:
    """1 candidate, 32 requests at once, without and with batching."""
    sides = {"unbatched": place.plain.grpc, "batched": place.batched.grpc}
    return bench.in_turn(
        {
            name: bench.served(place.generator, endpoint, 1, SMALL_CONCURRENCY)
            for name, endpoint in sides.items()
        }
    )


def curve(bench: Bench, place: Placement, concurrencies: Sequence[int]) -> list[dict[str, float]]:
    """Requests a second against latency, by candidates and concurrency."""
    rows = []
    for size in SIZES:
        measures = {
            str(concurrency): bench.served(place.generator, place.plain.grpc, size, concurrency)
            for concurrency in concurrencies
        }
        for concurrency, figures in bench.in_turn(measures).items():
            rows.append({"candidates": size, "concurrency": int(concurrency), **figures})
    return rows


def peers(bench: Bench, generator: Load, endpoints: Sequence[Endpoint]) -> list[dict[str, Any]]:
    """Every side, by candidates and concurrency, all on all cores."""
    rows = []
    for size in PEER_SIZES:
        for concurrency in PEER_CONCURRENCIES:
            measures = {
                endpoint.name: bench.served(generator, endpoint, size, concurrency)
                for endpoint in endpoints
            }
            for side, figures in bench.in_turn(measures).items():
                rows.append(
                    {"candidates": size, "concurrency": concurrency, "side": side, **figures}
                )
    return rows
