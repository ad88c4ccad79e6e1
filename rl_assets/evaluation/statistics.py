"""Intervals: a paired bootstrap over clusters, and what difference a sample of that size can show.

Answers to one prompt are alike, so whole clusters are drawn with replacement (Davison and Hinkley 1997,
"Bootstrap Methods and their Application", section 3.8). Percentile intervals, vectorised, fixed by the seed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
SEED = 0
# Normal quantiles at 0.975 (two-sided 5 %) and 0.8 (power 80 %).
Z_CONFIDENCE = 1.959964
Z_POWER = 0.841621
CHUNK_CELLS = 4_000_000


@dataclass(frozen=True)
class Interval:
    """An estimate, its 95 % interval, and what it rests on.

    `low` and `high` are None with fewer than two clusters: one cluster shows no spread. `se` likewise.
    """

    mean: float
    low: float | None
    high: float | None
    se: float | None
    n: int
    clusters: int


def cluster_sums(values: NDArray[np.float64], codes: NDArray[np.intp], size: int) -> NDArray[np.float64]:
    """Sum of `values` (n) in each cluster (size)."""
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64)


def resampled_ratios(
    tops: NDArray[np.float64], bottoms: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """sum(tops) / sum(bottoms) over `resamples` draws of len(tops) clusters with replacement.

    Draws whose bottom is 0 are left out. Worked off in chunks, so memory stays at some 64 MB.
    """
    rng, size = np.random.default_rng(seed), len(tops)
    step = max(1, CHUNK_CELLS // size)
    chunks = []
    for start in range(0, resamples, step):
        drawn = rng.integers(0, size, (min(step, resamples - start), size))
        top, bottom = tops[drawn].sum(axis=1), bottoms[drawn].sum(axis=1)
        chunks.append(top[bottom > 0] / bottom[bottom > 0])
    return np.concatenate(chunks)


def interval(
    values: ArrayLike,
    clusters: Sequence[str],
    weights: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Clustered bootstrap interval of sum(values) / sum(weights); weights of 1 make it the mean.

    values (n), clusters (n) and weights (n, not negative) are parallel. For a paired difference pass a - b.
    Raises ValueError without values, with a NaN, or with weights that sum to 0.
    """
    tops = np.asarray(values, dtype=np.float64)
    bottoms = np.ones_like(tops) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(tops) == len(bottoms) == len(clusters):
        raise ValueError(
            f"{len(tops)} values, {len(bottoms)} weights, {len(clusters)} clusters: must be as many"
        )
    if len(tops) == 0 or bottoms.sum() <= 0:
        raise ValueError("nothing to estimate from: there are no values, or their weights sum to 0")
    if not np.isfinite(tops).all():
        raise ValueError(f"{int((~np.isfinite(tops)).sum())} of {len(tops)} values are not finite")
    names, codes = np.unique(np.asarray(clusters), return_inverse=True)
    mean = float(tops.sum() / bottoms.sum())
    if len(names) < 2:
        return Interval(mean, None, None, None, len(tops), len(names))
    draws = resampled_ratios(
        cluster_sums(tops, codes, len(names)), cluster_sums(bottoms, codes, len(names)), resamples, seed
    )
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(mean, float(low), float(high), float(draws.std(ddof=1)), len(tops), len(names))


def median_interval(values: ArrayLike, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """Bootstrap interval of the median of independent values (n >= 1)."""
    found = np.asarray(values, dtype=np.float64)
    if len(found) == 0:
        raise ValueError("nothing to estimate from: there are no values")
    if len(found) < 2:
        return Interval(float(found[0]), None, None, None, 1, 1)
    drawn = np.random.default_rng(seed).integers(0, len(found), (resamples, len(found)))
    medians = np.median(found[drawn], axis=1)
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(
        float(np.median(found)), float(low), float(high), float(medians.std(ddof=1)), len(found), len(found)
    )


def minimum_detectable_effect(se: float) -> float:
    """The true difference that 80 % of such samples would show at 5 % two-sided, in the metric's unit.

    (z_0.975 + z_0.8) * SE, the normal approximation (Cohen 1988, "Statistical Power Analysis", chapter 2).
    """
    return (Z_CONFIDENCE + Z_POWER) * se


def clusters_needed(found: Interval) -> int | None:
    """Clusters at which a true difference as large as the one found would show with 80 % power.

    SE falls with the square root of the clusters. None when no number is enough: no difference or no spread.
    """
    if found.se is None or found.se == 0 or found.mean == 0:
        return None
    return math.ceil(found.clusters * (minimum_detectable_effect(found.se) / found.mean) ** 2)
