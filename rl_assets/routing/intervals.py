"""An interval of what a policy would have earned, also where rewards are rare: Cressie-Read(-2) empirical likelihood.

Karampatziakis, Langford and Mineiro 2020, "Empirical Likelihood for Contextual Bandits". Weights are known to average 1
and to lie between two bounds, and rewards lie in [0, 1]: of all distributions that respect this and are plausible for
the sample, it takes the lowest and the highest value. It follows `vw-estimators` 0.2.2, without dropped rows.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ALPHA = 0.05
# Below it (squared), a product of two terms is 0 but for rounding.
TOLERANCE = 1e-9
# Bounds of a reward, with the sign under which its extreme is a minimum.
EXTREMES = ((0.0, 1.0), (1.0, -1.0))


@dataclass(frozen=True)
class WeightSums:
    """All that the interval needs of n sessions: sums of w, w^2, wr, w^2 r and w^2 r^2."""

    n: int
    w: float
    w2: float
    wr: float
    w2r: float
    w2r2: float

    @classmethod
    def of(cls, weights: Floats, weighted: Floats) -> "WeightSums":
        """Of weights w (n) and weighted rewards wr (n), summed in their order."""
        terms = (weights, weights**2, weighted, weights * weighted, weighted**2)
        return cls(len(weights), *(float(term.sum()) for term in terms))


class Bounds(NamedTuple):
    """Lowest and highest plausible value."""

    low: float
    high: float


class _Means(NamedTuple):
    """Means over the sample and one more row, of an extreme weight and reward."""

    w: float
    w2: float
    wr: float
    w2r: float
    w2r2: float


def cressie_read(sums: WeightSums, least: float, largest: float, alpha: float = ALPHA) -> Bounds:
    """The 1 - alpha interval of the policy's value; `least` < 1 < `largest` are the bounds of a weight.

    They are those that any choice could have had, not those of the sample. ValueError without a session, or if the
    bounds do not hold 1: weights that average 1 lie on both sides of it.
    """
    if not sums.n:
        raise ValueError("no session: there is nothing to estimate from")
    if not least < 1 < largest < math.inf:
        raise ValueError(f"weights in [{least:g}, {largest:g}] cannot average 1")
    phi = _allowance(sums, least, largest, alpha)
    bounds = []
    for reward, sign in EXTREMES:
        candidates = [_extreme(_with_row(sums, weight, reward, sign), phi) for weight in (least, largest)]
        value = min((candidate for candidate in candidates if candidate is not None), default=0.0)
        bounds.append(min(1.0, max(0.0, sign * value)))
    return Bounds(*bounds)


def _allowance(sums: WeightSums, least: float, largest: float, alpha: float) -> float:
    """How much less likely than the best fit a distribution may be; the F quantile stands for the chi-square's."""
    from scipy.special import fdtri

    weight = largest if sums.w < sums.n else least
    mean, square = (weight + sums.w) / (1 + sums.n), (weight**2 + sums.w2) / (1 + sums.n)
    best = (1 + sums.n) * (mean - 1) ** 2 / (square - mean * mean)
    return float((-best - fdtri(1, sums.n, 1 - alpha)) / (2 * (1 + sums.n)))


def _with_row(sums: WeightSums, weight: float, reward: float, sign: float) -> _Means:
    rows = 1 + sums.n
    return _Means(
        (weight + sums.w) / rows,
        (weight * weight + sums.w2) / rows,
        sign * (weight * reward + sums.wr) / rows,
        sign * (weight * weight * reward + sums.w2r) / rows,
        (weight * weight * reward * reward + sums.w2r2) / rows,
    )


def _extreme(mean: _Means, phi: float) -> float | None:
    """The smallest value within the allowance; None if no distribution with this further row is plausible."""
    spread = mean.w2 - mean.w**2
    if spread <= 0:
        return None
    covariance = mean.w2r - mean.w * mean.wr
    value = mean.wr + (1 - mean.w) * covariance / spread
    slack = covariance**2 / spread - (mean.w2r2 - mean.wr**2)
    room = phi + (1 - mean.w) ** 2 / (2 * spread)
    if abs(slack * room) <= TOLERANCE**2:
        return value - math.sqrt(2) * TOLERANCE
    return value - math.sqrt(2 * slack * room) if room <= 0 and slack * room >= 0 else None
