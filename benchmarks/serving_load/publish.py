"""Writes a run's figures where a reader of the repository finds them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.serving_load import chart, report

BEGIN, END = "<!-- serving figures: written by serving.py -->", "<!-- end of serving figures -->"


def section(found: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    parts: list[list[str]] = []
    for name, said in (("shared", "Everything on all cores"), ("apart", "Load on its own cores")):
        parts.append([f"{said} (`{name}`):"])
        parts.append(report.latency(found["latency"][name]))
        parts.append(report.saturation(found["saturation"][name]))
        parts.append(report.batching(found["batching"][name]))
    parts.append(
        ["The curve, through gRPC, everything on all cores (![chart](serving_curve.svg)):"]
    )
    parts.append(report.curve(found["curve"]))
    if found["peers"]:
        parts += [["Peers, everything on all cores:"], report.peers(found["peers"])]
    parts.append([f"- {target.line()}" for target in report.targets(found)])
    return "\n\n".join("\n".join(lines) for lines in parts)


def replaced(text: str, content: str) -> str:
    """A text with what stands between the two marks replaced.

    Raises:
        ValueError: The marks are not there once each, in order.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in tail or END in tail:
        raise ValueError(f"text must hold {BEGIN!r} and {END!r} once each")
    return f"{head}{BEGIN}\n\n{content}\n\n{END}{tail}"


def publish(found: Mapping[str, Any], folder: Path) -> None:
    """Writes the tables into `README.md` and the chart to `serving_curve.svg`."""
    readme = folder / "README.md"
    readme.write_text(replaced(readme.read_text("utf-8"), section(found)), "utf-8")
    (folder / "serving_curve.svg").write_text(chart.svg(found["curve"]), "utf-8")
