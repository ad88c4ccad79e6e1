"""Figures small enough for a markdown cell of the UI, which shows text under 1,000 characters in place.

Drawn by hand: a few elements, base64 in a data URI, no library. The colours read on light and dark.
"""

import base64
from collections.abc import Sequence

from rl_assets.evaluation.schema.report import EvalReport
from rl_assets.metrics.statistics import Interval

GREY, BLUE, RED = "#888", "#38c", "#c53"
SPARK_POINTS = 40
SPARK_WIDTH, SPARK_HEIGHT = 160, 32
FOREST_WIDTH, LABEL_WIDTH, ROW_HEIGHT = 240, 80, 18


def data_uri(svg: str) -> str:
    """The SVG as a base64 data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def _image(alt: str, width: int, height: int, body: str) -> str:
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" fill="none">'
    return f"![{alt}]({data_uri(f'{opening}{body}</svg>')})"


def sparkline(values: Sequence[float], alt: str = "loss") -> str:
    """Markdown image of a curve, thinned to 40 points; "" from no values."""
    if not values:
        return ""
    kept = _thinned(values)
    low, high = min(kept), max(kept)
    scale = (SPARK_HEIGHT - 4) / (high - low) if high > low else 0.0
    step = SPARK_WIDTH / max(1, len(kept) - 1)
    points = " ".join(f"{i * step:.0f},{2 + (high - value) * scale:.0f}" for i, value in enumerate(kept))
    return _image(alt, SPARK_WIDTH, SPARK_HEIGHT, f'<polyline points="{points}" stroke="{BLUE}" stroke-width="1.5"/>')


def _thinned(values: Sequence[float]) -> list[float]:
    if len(values) <= SPARK_POINTS:
        return list(values)
    last = len(values) - 1
    return [values[round(i * last / (SPARK_POINTS - 1))] for i in range(SPARK_POINTS)]


def small_forest(report: EvalReport) -> str:
    """Markdown image of the candidate's paired differences on the deciding metric; "" without any."""
    metric = report.primary.compared
    rows = [
        (comparison.theirs, comparison.differences[metric])
        for comparison in report.comparisons.values()
        if comparison.ours == "candidate" and metric in comparison.differences
    ]
    if not rows:
        return ""
    reach = max(
        0.05,
        *(abs(edge) for _, difference in rows for edge in (difference.low or 0, difference.high or 0, difference.mean)),
    )
    zero, scale = (FOREST_WIDTH + LABEL_WIDTH) / 2, (FOREST_WIDTH - LABEL_WIDTH) / 2 / reach * 0.92
    height = ROW_HEIGHT * len(rows)
    body = f'<path d="M{zero:.0f} 0v{height}" stroke="{GREY}"/>'
    body += f'<g fill="{GREY}" font-family="sans-serif" font-size="11">'
    body += "".join(f'<text y="{13 + i * ROW_HEIGHT}">vs {theirs}</text>' for i, (theirs, _) in enumerate(rows))
    body += "</g>"
    body += "".join(_row(difference, zero, scale, 9 + i * ROW_HEIGHT) for i, (_, difference) in enumerate(rows))
    return _image("paired differences", FOREST_WIDTH, height, body)


def _row(interval: Interval, zero: float, scale: float, y: int) -> str:
    """A line for the interval and a dot for the estimate, coloured when 0 lies outside."""
    colour = BLUE if interval.low is not None and interval.low > 0 else GREY
    colour = RED if interval.high is not None and interval.high < 0 else colour
    left, right = (zero + scale * (interval.mean if edge is None else edge) for edge in (interval.low, interval.high))
    dot = zero + scale * interval.mean
    return (
        f'<path d="M{left:.0f} {y}H{right:.0f}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{dot:.0f}" cy="{y}" r="4" fill="{colour}"/>'
    )
