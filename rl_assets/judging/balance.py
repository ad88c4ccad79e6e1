"""Weights that make longer and shorter answers count alike, so that a judge who follows length gains nothing.

Pairs fall into bins of |ln(length ratio)|. In a bin in which ours is longer in a share p of the pairs, these weigh
1 / (2p) and the others 1 / (2 (1 - p)): a preference for length that is as strong for the longer as against the shorter
answer cancels exactly. The shares come from lengths alone, never from verdicts, so a bet on the weighted verdicts stays
fair. A regression on length with the slope of the night does not: it let 9 to 23 % of equal but longer models through.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Edges of the bins, in standard deviations of ln(length ratio).
EDGES = (0.15, 0.3, 0.5, 0.75, 1.0, 1.3, 1.7)
MIN_SHARE = 0.1
MIN_PAIRS = 20
# No weight is above 1 / (2 MIN_SHARE): divided by it, a weighted verdict lies in [-1, 1].
LARGEST_WEIGHT = 1 / (2 * MIN_SHARE)


def length_weights(log_ratios: ArrayLike) -> NDArray[np.float64]:
    """The weight of each of n pairs, in [0, 5]; 0 in a bin that cannot be balanced.

    `log_ratios` are ln(our length / theirs) of all pairs of the epoch. A bin cannot be balanced with fewer than 20
    pairs, or with less than a tenth of them on one side. Pairs of equal length weigh 1: there is nothing to balance.
    """
    ratios = np.asarray(log_ratios, dtype=np.float64)
    weights, bins = np.ones(len(ratios)), _bins(ratios)
    for number in range(len(EDGES) + 1):
        inside = bins == number
        weights[inside] = _weights(ratios[inside] > 0)
    return weights


def pairs_that_wait(log_ratios: ArrayLike) -> NDArray[np.bool_]:
    """Whether each of n pairs lies in a bin of fewer than 20, so that more pairs like it may make it count."""
    bins = _bins(np.asarray(log_ratios, dtype=np.float64))
    sizes = np.bincount(bins + 1, minlength=len(EDGES) + 2)
    return np.asarray((bins >= 0) & (sizes[bins + 1] < MIN_PAIRS), dtype=np.bool_)


def _bins(ratios: NDArray[np.float64]) -> NDArray[np.intp]:
    """The bin of each pair; -1 for pairs of equal length. Pairs that all differ alike are in one bin."""
    spread = float(ratios.std()) if len(ratios) else 0.0
    bins = np.digitize(np.abs(ratios) / spread, EDGES) if spread > 0 else np.zeros(len(ratios), np.intp)
    return np.where(ratios == 0, -1, bins)


def _weights(longer: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of the pairs of one bin, by whether ours is the longer answer."""
    share = float(longer.mean()) if len(longer) else 0.0
    if len(longer) < MIN_PAIRS or not MIN_SHARE <= share <= 1 - MIN_SHARE:
        return np.zeros(len(longer))
    # At the largest share rounding would lift a weight above the largest by a hair.
    return np.minimum(LARGEST_WEIGHT, np.where(longer, 1 / (2 * share), 1 / (2 * (1 - share))))
