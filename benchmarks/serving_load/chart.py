"""The curve as a picture: requests a second against p50, p95 and p99, by candidates. Pure."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 300, 220, 46, 34, 60
_COLOURS = {"p50": "#1b7837", "p95": "#c27d0e", "p99": "#a50026"}
_STYLE = "font-family:sans-serif;font-size:11px;fill:#333"


def svg(rows: Sequence[Mapping[str, float]]) -> str:
    """One panel for each number of candidates; both axes logarithmic, points by concurrency."""
    sizes = list(dict.fromkeys(int(row["candidates"]) for row in rows))
    width, height = _LEFT + len(sizes) * (_WIDTH + _GAP), _TOP + _HEIGHT + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" style="{_STYLE}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for place, size in enumerate(sizes):
        panel = [row for row in rows if row["candidates"] == size]
        parts += _panel(panel, f"{size} candidates", _LEFT + place * (_WIDTH + _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(rows: Sequence[Mapping[str, float]], title: str, left: int) -> list[str]:
    across = _Axis([row["qps"] for row in rows], left, left + _WIDTH)
    values = [row[name] for row in rows for name in _COLOURS]
    up = _Axis(values, _TOP + _HEIGHT, _TOP)
    bottom = _TOP + _HEIGHT
    parts = [
        f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{escape(title)}</text>',
        f'<text x="{left + _WIDTH}" y="{bottom + 34}" text-anchor="end">requests/s</text>',
        f'<text x="{left - 8}" y="{bottom + 34}">latency, ms</text>',
    ]
    for value in up.ticks():
        y = up.at(value)
        parts.append(f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in across.ticks():
        x = across.at(value)
        parts.append(f'<path d="M{x:.1f} {_TOP}v{_HEIGHT}" stroke="#eee"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
    for number, (name, colour) in enumerate(_COLOURS.items()):
        points = [(across.at(row["qps"]), up.at(row[name])) for row in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
        x = left + 150 + 45 * number
        parts.append(f'<text x="{x}" y="{_TOP - 14}" style="fill:{colour}">{name}</text>')
    return parts


class _Axis:
    """A logarithmic scale from values to pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = min(values) / 1.15
        self._high = max(values) * 1.15
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = math.log(value / self._low) / math.log(self._high / self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        """Round values (1, 2 and 5 times powers of ten) within the scale."""
        powers = range(math.floor(math.log10(self._low)), math.ceil(math.log10(self._high)) + 1)
        return [
            value
            for power in powers
            for value in (step * 10.0**power for step in (1, 2, 5))
            if self._low <= value <= self._high
        ]
