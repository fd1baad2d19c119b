"""One run: who is measured where, in which order, and what is held against the answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.serving_load.children import Child
from benchmarks.serving_load.figures import over_rounds
from benchmarks.serving_load.sides import Embedded, Endpoint, Load

Figures = dict[str, float]
Measure = Callable[[], Figures]


@dataclass(frozen=True)
class Placement:
    """Which cores are whose, and who runs there.

    Attributes:
        name: shared (everything on all cores) or apart (load and servers on different ones).
        server: The cores of the servers and of the bare SavedModel.
        load: The cores of the load.
        bare: The process that calls the SavedModel itself.
        generator: The process that sends requests.
        plain: The server without batching.
        batched: The server with batching.
    """

    name: str
    server: tuple[int, ...]
    load: tuple[int, ...]
    bare: Child
    generator: Load
    plain: Embedded
    batched: Embedded


@dataclass
class Bench:
    """Settings and what went wrong.

    Attributes:
        seconds: Length of one measurement.
        rounds: How often each is repeated, in turn with the others.
        judge: The process that compares answers with the scores in process.
        failures: Requests that failed, and wrong answers, in words.
        checked: How many answers were compared.
    """

    seconds: float
    rounds: int
    judge: Child
    failures: list[str] = field(default_factory=list)
    checked: int = 0

    def bare(self, placement: Placement, how: str, size: int, threads: int) -> Measure:
        """A measurement of in-process calls."""
        asked = {"do": "measure", "size": size, "how": how, "threads": threads}
        return lambda: placement.bare.ask({**asked, "seconds": self.seconds})

    def served(self, generator: Load, endpoint: Endpoint, size: int, concurrency: int) -> Measure:
        """A measurement of a server, its answers checked afterwards."""

        def measure() -> Figures:
            warm_up_s = self.seconds / 4
            found = generator.run(endpoint, size, concurrency, self.seconds, warm_up_s)
            where = f"{endpoint.name}, {size} candidates, concurrency {concurrency}"
            self._hold(found, endpoint.wire, size, where)
            return {name: value for name, value in found.items() if isinstance(value, float)}

        return measure

    def _hold(self, found: Mapping[str, Any], wire: str, size: int, where: str) -> None:
        if found["errors"]:
            first = "; ".join(dict.fromkeys(found["first_errors"]))
            self.failures.append(f"{where}: {found['errors']} requests failed: {first}")
        question = {"do": "check", "wire": wire, "size": size, "samples": found["samples"]}
        verdict = self.judge.ask(question)
        self.checked += verdict["checked"]
        if verdict["wrong"]:
            of = f"{verdict['wrong']} of {verdict['checked']} answers"
            self.failures.append(f"{where}: {of} are wrong: {verdict['reason']}")
        if not verdict["checked"]:
            self.failures.append(f"{where}: no answer to check")

    def in_turn(self, measures: Mapping[str, Measure]) -> dict[str, Figures]:
        """The median over rounds of each measurement; see `in_turn`."""
        found = in_turn(measures, self.rounds)
        return {name: over_rounds(rounds) for name, rounds in found.items()}


def in_turn(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[Figures]]:
    """Repeats measurements in turn (A B A B): what else the machine does hits all alike."""
    found: dict[str, list[Figures]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


def best(found: Mapping[str, Figures], names: Sequence[str]) -> str:
    """The name of the measurement with the most requests a second."""
    return max(names, key=lambda name: found[name]["qps"])
