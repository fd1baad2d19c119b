"""From figures to the tables that a person reads, and to what was promised. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.serving_load.phases import FUNCTION, SESSION

GRPC, REST = "rankbeam gRPC", "rankbeam REST"
Found = Mapping[str, Any]


# Promised is to be ahead of so many; which of those that are measured is left open.
_PEERS_BEATEN = 2


@dataclass(frozen=True)
class Target:
    """One promise, or how we stand against one peer.

    Attributes:
        what: What was measured.
        value: How it came out.
        bound: What it is held to.
        at_most: The value must not exceed the bound; else it must reach it.
        promised: Missing it fails the run; standings against one peer are only told.
    """

    what: str
    value: float
    bound: float
    at_most: bool = False
    promised: bool = True

    @property
    def met(self) -> bool:
        """Whether the bound is kept."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def line(self) -> str:
        """The target as a line."""
        sign = "at most" if self.at_most else "at least"
        words = ("met", "MISSED") if self.promised else ("ahead", "behind")
        verdict = words[0] if self.met else words[1]
        return f"{verdict:<7}{self.what}: {self.value:.2f} ({sign} {self.bound:g})"


def missed(found: Found) -> int:
    """How many promises this run did not keep."""
    return sum(target.promised and not target.met for target in targets(found))


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table; floats get as many digits as matter."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[at]) for row in [list(heads), *cells]) for at in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(map(str.ljust, row, widths)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return [line(heads), rule, *(line(row) for row in cells)]


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"


def latency(found: Found, bare: str = FUNCTION) -> list[str]:
    """Latency at concurrency 1 and its ratios to the call in process."""
    base = found[bare]
    rows = [
        (side, row["p50"], row["p99"], row["p50"] / base["p50"], row["p99"] / base["p99"])
        for side, row in found.items()
    ]
    return table(
        ("100 candidates, concurrency 1", "p50 ms", "p99 ms", "p50 ratio", "p99 ratio"), rows
    )


def saturation(found: Mapping[str, Found]) -> list[str]:
    """Examples a second at saturation, by candidates, and as a share of each bare side's."""
    rows = []
    for size, sides in found.items():
        for row in sides.values():
            shares = [row["examples_s"] / sides[bare]["examples_s"] for bare in (FUNCTION, SESSION)]
            rows.append((f"{size} candidates", row["best"], row["examples_s"], *shares))
    heads = ("saturation", "best", "examples/s", f"of {FUNCTION}", f"of {SESSION}")
    return table(heads, rows)


def batching(found: Found) -> list[str]:
    """Small requests with and without batching."""
    base = found["unbatched"]["qps"]
    rows = [(k, r["qps"], r["qps"] / base, r["p50"], r["p99"]) for k, r in found.items()]
    heads = ("1 candidate, concurrency 32", "requests/s", "ratio", "p50 ms", "p99 ms")
    return table(heads, rows)


def curve(rows: Sequence[Found]) -> list[str]:
    """The curve as a table."""
    keys = ("candidates", "concurrency", "qps")
    heads = ("candidates", "concurrency", "requests/s", "examples/s", "p50 ms", "p95 ms", "p99 ms")
    return table(
        heads,
        [
            (*(r[key] for key in keys), r["candidates"] * r["qps"], r["p50"], r["p95"], r["p99"])
            for r in rows
        ],
    )


def peers(rows: Sequence[Found]) -> list[str]:
    """Every side by candidates and concurrency."""
    heads = ("candidates", "concurrency", "side", "requests/s", "p50 ms", "p99 ms")
    keys = ("candidates", "concurrency", "side", "qps", "p50", "p99")
    return table(heads, [[row[key] for key in keys] for row in rows])


def targets(found: Found) -> list[Target]:
    """The promises that this run can judge, and how we stand against each peer."""
    kept = []
    base, ours = (found["latency"]["shared"][side] for side in (FUNCTION, GRPC))
    for name, bound in (("p50", 2.0), ("p99", 3.0)):
        what = f"{name} of 100 candidates at concurrency 1, over the call in process"
        kept.append(Target(what, ours[name] / base[name], bound, at_most=True))
    for size, sides in found["saturation"]["apart"].items():
        what = f"examples/s at saturation, {size} candidates, of the bare SavedModel's"
        share = sides[GRPC]["examples_s"] / sides[FUNCTION]["examples_s"]
        kept.append(Target(what, share, 0.75))
    rates = found["batching"]["apart"]
    gain = rates["batched"]["qps"] / rates["unbatched"]["qps"]
    kept.append(Target("requests/s of 1 candidate at concurrency 32, with batching", gain, 3.0))
    return [*kept, *_ahead(found["peers"])]


def _ahead(rows: Sequence[Found]) -> list[Target]:
    """Our worst standing against each peer, over all loads; and how many peers are beaten."""
    cells: dict[tuple[int, int], dict[str, Found]] = {}
    for row in rows:
        cells.setdefault((row["candidates"], row["concurrency"]), {})[row["side"]] = row
    found: list[Target] = []
    beaten = 0
    peers = list(dict.fromkeys(row["side"] for row in rows if row["side"] not in (GRPC, REST)))
    for peer in peers:
        pairs = [(sides[GRPC], sides[peer]) for sides in cells.values()]
        rate = min(ours["qps"] / theirs["qps"] for ours, theirs in pairs)
        tail = max(ours["p99"] / theirs["p99"] for ours, theirs in pairs)
        what = f"over {peer}'s, "
        standings = (
            Target(f"requests/s {what}least of {len(pairs)} loads", rate, 1.0, promised=False),
            Target(f"p99 {what}most of {len(pairs)} loads", tail, 1.0, True, promised=False),
        )
        beaten += all(standing.met for standing in standings)
        found += standings
    if len(peers) >= _PEERS_BEATEN:
        what = "peers that it is ahead of in requests/s and p99, at every load"
        found.append(Target(what, float(beaten), _PEERS_BEATEN))
    return found
