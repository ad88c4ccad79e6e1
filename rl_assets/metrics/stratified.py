"""Stratified estimates: every category counts by its share of all questions, whoever answered it.

So an agent that got the easy questions gains nothing (Cochran 1977, "Sampling Techniques", chapter 5).
Strata come aggregated from the database, so memory does not grow with the log; intervals are normal ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rl_assets.metrics.statistics import WIDTH_0, Z_CONFIDENCE, Interval, exact_share, sign_p


@dataclass(frozen=True)
class Stratum:
    """n scores (or differences) of one category with their mean and sample variance; `mix` is the category's weight."""

    category: str
    mix: float
    n: int
    mean: float
    variance: float


def stratified(strata: Sequence[Stratum]) -> Interval:
    """Mean over categories, each weighted by its mix, with a 95 % normal interval; none from a single score.

    A category with one score takes the pooled variance. The p-value is that of a mean of 0. Raises ValueError
    without strata.
    """
    if not strata:
        raise ValueError("nothing to estimate from: there is no category")
    total, n = sum(stratum.mix for stratum in strata), sum(stratum.n for stratum in strata)
    mean = sum(stratum.mix / total * stratum.mean for stratum in strata)
    freedom = n - len(strata)
    if freedom < 1:
        return Interval(mean, None, None, None, n, n)
    pooled = sum((stratum.n - 1) * stratum.variance for stratum in strata) / freedom
    squares = (
        (stratum.mix / total) ** 2 * (stratum.variance if stratum.n > 1 else pooled) / stratum.n for stratum in strata
    )
    return normal(mean, math.sqrt(math.fsum(squares)), n)


def normal(mean: float, se: float, n: int, alike: int | None = None) -> Interval:
    """A normal interval and two-sided p-value; without spread that of `alike` (`n` unless given) equal signs."""
    if se > WIDTH_0:
        p = math.erfc(abs(mean) / se / math.sqrt(2))
    else:
        p = 1.0 if mean == 0 else sign_p(n if alike is None else alike)
    return Interval(mean, mean - Z_CONFIDENCE * se, mean + Z_CONFIDENCE * se, se, n, n, p)


def stratified_difference(ours: Sequence[Stratum], theirs: Sequence[Stratum]) -> Interval | None:
    """Ours - theirs over the categories that both have, of independent scores; None without one."""
    shared = {stratum.category for stratum in ours} & {stratum.category for stratum in theirs}
    if not shared:
        return None
    sides = [stratified([stratum for stratum in side if stratum.category in shared]) for side in (ours, theirs)]
    mean, n = sides[0].mean - sides[1].mean, sides[0].n + sides[1].n
    if sides[0].se is None or sides[1].se is None:
        return Interval(mean, None, None, None, n, n)
    return normal(mean, math.hypot(sides[0].se, sides[1].se), n, alike=min(side.n for side in sides))


def clipped_to_unit(mean: Interval) -> Interval:
    """The interval of a mean of scores in [0, 1], without a p-value: clipped, and exact if no category has a spread."""
    if mean.se is not None and mean.se <= WIDTH_0:
        return exact_share(mean.mean, mean.n, mean.clusters)
    low, high = (None if edge is None else min(1.0, max(0.0, edge)) for edge in (mean.low, mean.high))
    return Interval(mean.mean, low, high, mean.se, mean.n, mean.clusters)
