"""Figures of the report on policies: their values, how far the log covers them, and the router's shares over days."""

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rl_assets.evaluation.report.plots import (
    ACCENT,
    INK,
    MUTED,
    OTHER,
    ROW_INCHES,
    WORSE,
    drawing,
    name_rows,
    short,
    svg,
    whisker,
)
from rl_assets.routing.day_shares import DayShare
from rl_assets.routing.off_policy import SegmentValues
from rl_assets.routing.overlap import MIN_ESS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = (ACCENT, WORSE, OTHER, INK, MUTED)
MAX_LINES, MAX_TICKS = len(LINES), 8
COLOURS = {"more": ACCENT, "less": WORSE, "undecided": MUTED}


def value_forest(values: SegmentValues) -> str | None:
    """Values of the policies with 95 % intervals, the log's own on top with a line down; None if none has a value."""
    rows = [(policy.policy, policy.value, COLOURS[policy.earns]) for policy in values.policies if policy.value]
    if not rows:
        return None
    rows = [("as logged", values.logged, INK), *rows]
    with drawing(0.7 + ROW_INCHES * 0.85 * len(rows)) as figure:
        axes = figure.add_subplot()
        for y, (_, value, colour) in enumerate(rows):
            whisker(axes, value, y, colour)
            axes.plot([value.mean], [y], "o", color=colour, markersize=5)
        name_rows(axes, [name for name, _, _ in rows])
        axes.axvline(values.logged.mean, color=MUTED, linewidth=0.9, linestyle=":")
        axes.set_xlabel("Mean reward, 95 % interval")
        return svg(figure, "Values of policies")


def overlap_bars(values: SegmentValues) -> str | None:
    """How many sessions each policy's weighted ones are worth, with the limit below which no value is shown."""
    if not values.policies:
        return None
    with drawing(0.8 + ROW_INCHES * 0.85 * len(values.policies)) as figure:
        axes = figure.add_subplot()
        for y, policy in enumerate(values.policies):
            colour = ACCENT if policy.verdict == "OK" else WORSE
            axes.barh(y, max(1.0, policy.overlap.ess), height=0.6, color=colour, alpha=0.85)
        largest = max(MIN_ESS, *(policy.overlap.ess for policy in values.policies))
        axes.set_xscale("log")
        axes.set_xlim(1, 1.3 * largest)
        ticks = [10**power for power in range(math.floor(math.log10(1.3 * largest)) + 1)]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.axvline(MIN_ESS, color=MUTED, linewidth=0.9, linestyle=":")
        name_rows(axes, [policy.policy for policy in values.policies])
        axes.set_xlabel("Effective sessions")
        return svg(figure, "Overlap of policies with the log")


def share_lines(shares: Sequence[DayShare], segment: str) -> str | None:
    """The router's share of each arm over days, of the arms with the largest ones; None before the second day."""
    own = [share for share in shares if share.segment == segment]
    days = sorted({share.day for share in own})
    if len(days) < 2:
        return None
    largest: dict[str, float] = {}
    for share in own:
        largest[share.arm] = max(share.share, largest.get(share.arm, 0.0))
    arms = sorted(largest, key=lambda arm: (-largest[arm], arm))[:MAX_LINES]
    with drawing(2.6) as figure:
        axes = figure.add_subplot()
        for arm, colour in zip(arms, LINES, strict=False):
            _line(axes, [(share.day, share.share) for share in own if share.arm == arm], short(arm), colour)
        axes.set_ylim(0, 1)
        axes.set_ylabel("share of traffic")
        shown = days[:: -(-len(days) // MAX_TICKS)]
        axes.set_xticks([day.toordinal() for day in shown], [f"{day:%m-%d}" for day in shown])
        axes.legend(frameon=False, fontsize=10, labelcolor=INK)
        return svg(figure, "Shares of arms over days")


def _line(axes: "Axes", points: Sequence[tuple[date, float]], name: str, colour: str) -> None:
    ordered = sorted(points)
    axes.plot([day.toordinal() for day, _ in ordered], [value for _, value in ordered], color=colour, label=name)
