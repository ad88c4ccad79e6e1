"""Krippendorff's alpha for ratings on an interval scale: agreement beyond chance, whoever rated what.

alpha = 1 - D_o / D_e, the observed over the expected squared difference of two ratings (Krippendorff 2011, "Computing
Krippendorff's Alpha-Reliability"). 1 is perfect agreement, 0 what chance gives, below 0 raters contradict each other.
Raters may differ from unit to unit; units with one rating say nothing and do not count.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.statistics import SEED, Interval, cluster_codes, cluster_sums, drawn_counts, from_draws

RESAMPLES = 2000


def krippendorff_alpha(units: Sequence[Sequence[float]], clusters: Sequence[str]) -> Interval | None:
    """Alpha over units (n) of ratings each, with its 95 % interval by bootstrap over clusters (n).

    `n` of the interval are the units with two ratings or more. None if there are none, or if all of their ratings are
    equal: nothing then shows whether raters would agree on a difference. Raises ValueError for ratings that are not
    finite.
    """
    rated = [
        (np.asarray(unit, dtype=np.float64), name) for unit, name in zip(units, clusters, strict=True) if len(unit) > 1
    ]
    if not all(np.isfinite(unit).all() for unit, _ in rated):
        raise ValueError("ratings are not finite")
    if not rated:
        return None
    codes, size = cluster_codes([name for _, name in rated])
    totals = np.array([cluster_sums(column, codes, size) for column in _moments([unit for unit, _ in rated])])
    mean = float(_alphas(totals.sum(axis=1, keepdims=True))[0])
    if np.isnan(mean):
        return None
    draws = np.concatenate([_alphas(totals @ drawn.T) for drawn in drawn_counts(size, RESAMPLES, SEED)])
    return from_draws(mean, draws[~np.isnan(draws)], len(rated), size, against_zero=False)


def _moments(units: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Of each unit (4 x units): its disagreement, ratings, their sum and the sum of their squares.

    The disagreement is the sum over ordered pairs of (a - b)^2, divided by the ratings less one.
    """
    disagreement = [2 * (len(unit) * (unit**2).sum() - unit.sum() ** 2) / (len(unit) - 1) for unit in units]
    others = [[len(unit), unit.sum(), (unit**2).sum()] for unit in units]
    return np.column_stack([disagreement, others]).T


def _alphas(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha (draws) from summed moments (4 x draws); NaN where all ratings are equal."""
    disagreement, ratings, sums, squares = totals
    expected = 2 * (ratings * squares - sums**2)
    possible = expected > 1e-9 * np.maximum(1.0, squares)
    ratio = disagreement * (ratings - 1) / np.where(possible, expected, 1.0)
    return np.where(possible, 1 - ratio, np.nan)
