"""Intervals: a paired bootstrap over clusters, and the difference that a sample of that size can detect.

Answers to one prompt are alike, so whole clusters are drawn with replacement (Davison and Hinkley 1997,
"Bootstrap Methods and their Application", section 3.8). Percentile intervals, vectorised, fixed by the seed.
"""

import math
from collections.abc import Iterator, Sequence
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
# What rounding alone makes of draws that are equal.
WIDTH_0 = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate, its 95 % interval, and what it rests on.

    `low` and `high` are None with fewer than two clusters: one cluster shows no spread. `se` likewise. `p` is
    a difference's two-sided bootstrap p-value, and None for values that are not differences.
    """

    mean: float
    low: float | None
    high: float | None
    se: float | None
    n: int
    clusters: int
    p: float | None = None

    def __format__(self, spec: str) -> str:
        """Mean and interval, each in the format of a number: "0.91 [0.85, 0.96]", or the mean alone."""
        if self.low is None or self.high is None:
            return format(self.mean, spec)
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def scaled(self, factor: float) -> "Interval":
        """The interval of the estimate times a positive factor."""
        low, high, se = (None if value is None else value * factor for value in (self.low, self.high, self.se))
        return Interval(self.mean * factor, low, high, se, self.n, self.clusters, self.p)

    def negated(self) -> "Interval":
        """The interval of the difference the other way round."""
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return Interval(-self.mean, low, high, self.se, self.n, self.clusters, self.p)


def cluster_codes(clusters: Sequence[str]) -> tuple[NDArray[np.intp], int]:
    """The number of each row's cluster (n), clusters sorted by name, and how many there are."""
    names, codes = np.unique(np.asarray(clusters), return_inverse=True)
    return codes, len(names)


def drawn_counts(size: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each of `size` clusters was drawn (resamples x size), in chunks of some 32 MB."""
    rng, step = np.random.default_rng(seed), max(1, CHUNK_CELLS // size)
    for start in range(0, resamples, step):
        yield rng.multinomial(size, np.full(size, 1 / size), min(step, resamples - start)).astype(np.float64)


def from_draws(mean: float, draws: NDArray[np.float64], n: int, clusters: int, against_zero: bool) -> Interval:
    """The percentile interval of resampled estimates; none from fewer than two clusters."""
    if clusters < 2:
        return Interval(mean, None, None, None, n, clusters)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    p = two_sided_p(draws) if against_zero else None
    return Interval(mean, float(low), float(high), float(draws.std(ddof=1)), n, clusters, p)


def two_sided_p(draws: NDArray[np.float64]) -> float:
    """The level at which the percentile interval of these draws would just touch 0; at least 2 / (draws + 1).

    One is added to each count, so it is never 0 (Davison and Hinkley 1997, section 4.2).
    """
    below, above = int((draws <= 0).sum()), int((draws >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(draws) + 1))


def binomial_p(successes: int, n: int, share: float) -> float:
    """Two-sided exact p-value of that many successes in `n` draws of probability `share`: twice the smaller tail."""
    from scipy.special import bdtr, bdtrc

    low = bdtr(successes, n, share)
    high = bdtrc(successes - 1, n, share) if successes else 1.0
    return float(min(1.0, 2 * min(low, high)))


def wilson(successes: float, n: int) -> Interval:
    """A share of `n` independent draws with Wilson's two-sided 95 % interval (Wilson 1927).

    It never leaves [0, 1], and keeps its width if all draws agree. Of draws between 0 and 1, whose sum `successes` is,
    it is too wide. Raises ValueError without draws.
    """
    if n < 1:
        raise ValueError("a share of nothing has no interval")
    share, z2 = successes / n, Z_CONFIDENCE**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z_CONFIDENCE / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach), reach / Z_CONFIDENCE, n, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for looking at all of them: reject those below 0.05 and the family-wise error stays there.

    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure": the i-th smallest of m times m - i + 1,
    never below a smaller one's, at most 1. Order kept.
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = highest
    return adjusted


def cluster_sums(values: NDArray[np.float64], codes: NDArray[np.intp], size: int) -> NDArray[np.float64]:
    """Sum of `values` (n) in each cluster (size)."""
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64)


def resampled_ratios(
    tops: NDArray[np.float64], bottoms: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """sum(tops) / sum(bottoms) over `resamples` draws of len(tops) clusters with replacement.

    Draws whose bottom is 0 are dropped. Computed in chunks, so that memory stays at some 64 MB.
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
    against_zero: bool = False,
    share: bool = False,
) -> Interval:
    """Clustered bootstrap interval of sum(values) / sum(weights); weights of 1 make it the mean.

    values (n), clusters (n) and weights (n, not negative) are parallel. For a paired difference pass a - b and
    `against_zero`, which adds the p-value. A `share` is a mean of values in [0, 1]: where all clusters agree, its
    interval is exact, not of width 0. Differences that all agree keep width 0; see `exact_if_all_agree`.
    Raises ValueError without values, with a NaN, or with weights that sum to 0.
    """
    tops = np.asarray(values, dtype=np.float64)
    bottoms = np.ones_like(tops) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(tops) == len(bottoms) == len(clusters):
        raise ValueError(
            f"{len(tops)} values, {len(bottoms)} weights, {len(clusters)} clusters: must be of equal length"
        )
    if len(tops) == 0 or bottoms.sum() <= 0:
        raise ValueError("nothing to estimate from: there are no values, or their weights sum to 0")
    if not np.isfinite(tops).all():
        raise ValueError(f"{int((~np.isfinite(tops)).sum())} of {len(tops)} values are not finite")
    codes, size = cluster_codes(clusters)
    mean = float(tops.sum() / bottoms.sum())
    if size < 2:
        return Interval(mean, None, None, None, len(tops), size)
    draws = resampled_ratios(cluster_sums(tops, codes, size), cluster_sums(bottoms, codes, size), resamples, seed)
    if share and np.ptp(draws) < WIDTH_0:
        return exact_share(mean, len(tops), size)
    return from_draws(mean, draws, len(tops), size, against_zero)


def exact_share(share: float, n: int, clusters: int) -> Interval:
    """The interval of a share on which all clusters agree, each counted once: 86 of 86 is 1 [0.958, 1].

    Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits"; a share between 0 and 1 counts as so many
    of the clusters. The standard error is that of a normal interval of the same width.
    """
    from scipy.special import betaincinv

    share = min(1.0, max(0.0, share))
    successes, tail = share * clusters, (1 - CONFIDENCE) / 2
    low = betaincinv(successes, clusters - successes + 1, tail) if share > 0 else 0.0
    high = betaincinv(successes + 1, clusters - successes, 1 - tail) if share < 1 else 1.0
    return Interval(share, float(low), float(high), float(high - low) / (2 * Z_CONFIDENCE), n, clusters)


def exact_if_all_agree(difference: Interval, span: float | None) -> Interval:
    """The paired difference, with an exact interval in place of one of width 0; unchanged without a finite `span`.

    Values lie in [-span, span]. Where n clusters say the same, at most u = 1 - 0.025^(1/n) of all clusters say
    something else (Clopper and Pearson 1934), and those are at most a span away. p is at least that of n equal signs.
    """
    low, high, clusters = difference.low, difference.high, difference.clusters
    if span is None or low is None or high is None or high - low > WIDTH_0:
        return difference
    mean, other = difference.mean, 1 - ((1 - CONFIDENCE) / 2) ** (1 / clusters)
    low, high = max(-span, mean * (1 - other) - span * other), min(span, mean * (1 - other) + span * other)
    p = None if difference.p is None or mean == 0 else max(difference.p, sign_p(clusters))
    se = (high - low) / (2 * Z_CONFIDENCE)
    return Interval(mean, low, high, se, difference.n, clusters, difference.p if p is None else p)


def sign_p(n: int) -> float:
    """Two-sided p-value of n differences that all have one sign, were both as likely."""
    return float(min(1.0, 2 * 0.5**n))


def rate_difference(
    ours: tuple[ArrayLike, ArrayLike], theirs: tuple[ArrayLike, ArrayLike], clusters: Sequence[str]
) -> Interval:
    """sum(values) / sum(weights) of ours minus that of theirs, the same clusters drawn for both, with its p-value.

    Each side is (values (n), weights (n, above 0)): a rate whose denominator is the model's own, such as tokens.
    """
    codes, size = cluster_codes(clusters)
    rates, draws = [], []
    for values, weights in (ours, theirs):
        top, bottom = (cluster_sums(np.asarray(part, dtype=np.float64), codes, size) for part in (values, weights))
        rates.append(float(top.sum() / bottom.sum()))
        draws.append(resampled_ratios(top, bottom, RESAMPLES, SEED))
    return from_draws(rates[0] - rates[1], draws[0] - draws[1], len(clusters), size, against_zero=True)


def median_interval(values: ArrayLike, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """Bootstrap interval of the median of independent values (n >= 1)."""
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) == 0:
        raise ValueError("nothing to estimate from: there are no values")
    if len(sample) < 2:
        return Interval(float(sample[0]), None, None, None, 1, 1)
    drawn = np.random.default_rng(seed).integers(0, len(sample), (resamples, len(sample)))
    medians = np.median(sample[drawn], axis=1)
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(
        float(np.median(sample)), float(low), float(high), float(medians.std(ddof=1)), len(sample), len(sample)
    )


def minimum_detectable_effect(se: float) -> float:
    """The true difference that is significant in 80 % of such samples at 5 % two-sided, in the metric's unit.

    (z_0.975 + z_0.8) * SE, the normal approximation (Cohen 1988, "Statistical Power Analysis", chapter 2).
    """
    return (Z_CONFIDENCE + Z_POWER) * se


def clusters_needed(difference: Interval) -> int | None:
    """Clusters needed to detect a true difference of this size with 80 % power.

    SE falls with the square root of the clusters. None if no number is enough: no difference or no spread.
    """
    if difference.se is None or difference.se == 0 or difference.mean == 0:
        return None
    return math.ceil(difference.clusters * (minimum_detectable_effect(difference.se) / difference.mean) ** 2)
