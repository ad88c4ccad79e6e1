"""Means of many overlapping groups of rows, all resampled together: one bootstrap over clusters serves all questions.

Whole clusters are drawn (Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8). Small
groups whose values hardly differ get a spread of half a rating step at least: five equal ratings are no certainty.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.statistics import (
    SEED,
    WIDTH_0,
    Z_CONFIDENCE,
    Interval,
    cluster_codes,
    drawn_counts,
    exact_share,
    from_draws,
)

RESAMPLES = 2_000
# Half a step of a five-star scale on [0, 1]: a smaller spread cannot be seen in such ratings.
MIN_SD = 0.125
Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Resampled:
    """Values in [0, 1] (rows) in clusters (rows), and the means of groups of rows over the same draws of clusters."""

    def __init__(self, values: Sequence[float], clusters: Sequence[str], groups: Sequence[Mask]) -> None:
        self.values = np.asarray(values, dtype=np.float64)
        self._codes, size = cluster_codes(clusters)
        self._groups = [np.ones(len(self.values), bool), *groups]
        tops, bottoms = (
            np.stack([np.bincount(self._codes, weights=part * mask, minlength=size) for mask in self._groups], axis=1)
            for part in (self.values, np.ones_like(self.values))
        )
        chunks = [(counts @ tops, counts @ bottoms) for counts in drawn_counts(size, RESAMPLES, SEED)]
        self._tops, self._bottoms = (np.concatenate([chunk[side] for chunk in chunks]) for side in (0, 1))

    def mean(self, group: int) -> Interval:
        """The mean of a group (from 0) with a 95 % interval inside [0, 1]."""
        mask = self._groups[group + 1]
        own = self.values[mask]
        clusters = len(np.unique(self._codes[mask]))
        found = from_draws(float(own.mean()), _finite(*self._drawn(group)), len(own), clusters, against_zero=False)
        if found.low is None or found.high is None:
            return found
        # All good or all bad: thumbs, of which a share has an exact interval.
        if np.ptp(own) < WIDTH_0 and own[0] in (0.0, 1.0):
            return exact_share(found.mean, found.n, clusters)
        reach = Z_CONFIDENCE * MIN_SD / math.sqrt(clusters)
        low, high = min(found.low, found.mean - reach), max(found.high, found.mean + reach)
        return Interval(found.mean, max(0.0, low), min(1.0, high), found.se, found.n, clusters)

    def difference(self, one: int, other: int) -> Interval | None:
        """The mean of one group minus that of another, over draws that hold both; None if they are one cluster."""
        return self._difference(self._drawn(one), self._drawn(other), one, [other])

    def difference_to_rest(self, group: int, universe: int) -> Interval | None:
        """The mean of a group minus that of the rest of `universe`, a group that holds it; None if there is no rest."""
        own, whole = self._drawn(group), self._drawn(universe)
        rest = whole[0] - own[0], whole[1] - own[1]
        return self._difference(own, rest, group, [universe])

    def _drawn(self, group: int) -> tuple[Matrix, Matrix]:
        return self._tops[:, group + 1], self._bottoms[:, group + 1]

    def _difference(
        self, own: tuple[Matrix, Matrix], rest: tuple[Matrix, Matrix], group: int, others: Sequence[int]
    ) -> Interval | None:
        mask = self._groups[group + 1]
        other = np.any([self._groups[each + 1] for each in others], axis=0) & ~mask
        clusters = min(len(np.unique(self._codes[side])) for side in (mask, other))
        if clusters < 2:
            return None
        both = (own[1] > 0) & (rest[1] > 0)
        draws = own[0][both] / own[1][both] - rest[0][both] / rest[1][both]
        mean = float(self.values[mask].mean() - self.values[other].mean())
        return from_draws(mean, draws, int(mask.sum() + other.sum()), clusters, against_zero=True)


def _finite(tops: Matrix, bottoms: Matrix) -> Matrix:
    """Means of the draws that hold the group."""
    held = bottoms > 0
    return np.asarray(tops[held] / bottoms[held], dtype=np.float64)


def slope(x: Sequence[float], y: Sequence[float], clusters: Sequence[str]) -> Interval | None:
    """The least-squares slope of y on x with a 95 % interval over clusters; None if x does not vary, or of one."""
    codes, size = cluster_codes(clusters)
    one, two = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if size < 2 or np.ptp(one) < WIDTH_0:
        return None
    moments = np.stack(
        [
            np.bincount(codes, weights=part, minlength=size)
            for part in (np.ones_like(one), one, two, one * one, one * two)
        ],
        axis=1,
    )
    draws = np.concatenate([_slopes(counts @ moments) for counts in drawn_counts(size, RESAMPLES, SEED)])
    mean = float(_slopes(moments.sum(axis=0, keepdims=True))[0])
    return from_draws(mean, draws[np.isfinite(draws)], len(one), size, against_zero=True)


def _slopes(moments: Matrix) -> Matrix:
    n, x, y, xx, xy = moments.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((n * xy - x * y) / (n * xx - x * x), dtype=np.float64)
