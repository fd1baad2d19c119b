"""A calibration plot as inline SVG."""

from collections.abc import Sequence

from rankbeam.components.evaluator.evaluation import CalibrationPoint, number

_SIZE = 240
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 10, 12, 34
_TICKS = 4


def calibration_plot(points: Sequence[CalibrationPoint]) -> str:
    """Observed rate over predicted probability; on the diagonal the two agree.

    Both axes run from 0 to the largest value, so that rare events fill the plot. Each point's
    own figures are its tooltip.
    """
    top = max(max(point.prediction, point.rate) for point in points) or 1.0
    places = [(_x(point.prediction / top), _y(point.rate / top)) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="currentColor"><title>{_tip(point)}'
        "</title></circle>"
        for (x, y), point in zip(places, points, strict=True)
    )
    width, height = _LEFT + _SIZE + _RIGHT, _TOP + _SIZE + _BOTTOM
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="Calibration plot">'
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIZE}" height="{_SIZE}" fill="none" '
        'stroke="currentColor" opacity=".4"/>'
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="currentColor" '
        'stroke-dasharray="4 4" opacity=".5"/>'
        f'<polyline points="{line}" fill="none" stroke="currentColor"/>{dots}{_axes(top)}</svg>'
    )


def _axes(top: float) -> str:
    ticks = [index / _TICKS for index in range(_TICKS + 1)]
    below, left = _TOP + _SIZE + 14, _LEFT - 6
    labels = [
        f'<text x="{_x(tick):.1f}" y="{below}" text-anchor="middle">{number(tick * top)}</text>'
        f'<text x="{left}" y="{_y(tick) + 4:.1f}" text-anchor="end">{number(tick * top)}</text>'
        for tick in ticks
    ]
    title = (
        f'<text x="{_x(0.5)}" y="{below + 15}" text-anchor="middle">predicted →, observed ↑</text>'
    )
    return "".join(labels) + title


def _tip(point: CalibrationPoint) -> str:
    return (
        f"predicted {number(point.prediction)}, observed {number(point.rate)}, "
        f"weight {number(point.weight)}"
    )


def _x(share: float) -> float:
    return _LEFT + share * _SIZE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIZE
