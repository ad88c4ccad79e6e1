"""Evidence that one model is better than another, as a bet that may be looked at every night.

E = mean over the stakes l of prod_i (1 + l d_i), with d_i in [-1, 1] the difference ours - theirs on cluster i. While
every night's expected d, given the past, is at most 0, E is a nonnegative supermartingale, and the probability that it
ever reaches 1 / alpha is at most alpha (Ville 1939; the bet is that of Waudby-Smith and Ramdas 2023, arXiv 2010.09686;
stopping at will: Ramdas et al. 2023, arXiv 2210.01948). So the compared adapter may change nightly and depend on all
that was seen. The order of the clusters does not matter: a night's sums of logarithms are all that is needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_assets.evaluation.schema.evidence import THRESHOLD, Evidence

STAKES = np.array([0.02, 0.05, 0.1, 0.2, 0.4])
OWN_CLUSTERS = 10
VARIANCE_ALPHA = 0.05
# A mixture of stakes pays for not knowing the best one: about a quarter more clusters than that one needs.
MIXTURE_COST = 1.25
# Nights whose means vary by half more than their clusters explain are not made of independent clusters.
EXCESS_VARIANCE = 1.5
MIN_NIGHTS_FOR_VARIANCE = 10
LARGEST_EXPONENT = 700.0
LOWEST_MEAN = -1 + 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Night:
    """Sums over the clusters of a night: how many, their differences, squares, and ln(1 + l d) for d and for -d."""

    clusters: int
    total: float
    squares: float
    gains: Floats
    losses: Floats


def night_of(differences: ArrayLike, stakes: Floats = STAKES) -> Night:
    """The sums of a night's differences (n values in [-1, 1]). Raises ValueError outside that range, or for a NaN."""
    values = np.asarray(differences, dtype=np.float64)
    if not ((values >= -1) & (values <= 1)).all():
        raise ValueError("differences must be numbers in [-1, 1]")
    bets = np.multiply.outer(stakes, values)
    gains, losses = np.log1p(bets).sum(axis=-1), np.log1p(-bets).sum(axis=-1)
    return Night(len(values), float(values.sum()), float((values**2).sum()), gains, losses)


def log_evidence(gains: Floats) -> Floats:
    """ln E from the summed logarithms at each stake (last axis)."""
    mixed: Floats = np.logaddexp.reduce(gains, axis=-1) - math.log(gains.shape[-1])
    return mixed


def weigh(
    nights: Sequence[Night],
    threshold: float = THRESHOLD,
    stakes: Floats = STAKES,
    own_clusters: int = OWN_CLUSTERS,
) -> Evidence:
    """The evidence of an epoch's nights, in the order of their days; nights without a cluster do not count.

    The latest nights are the last one, and those before it until they have `own_clusters` together.
    """
    counted = [night for night in nights if night.clusters]
    if not counted:
        return Evidence(threshold=threshold)
    by_night = vary_as_a_whole(counted)
    bets = [night_of([night.total / night.clusters], stakes) for night in counted] if by_night else counted
    # The smaller one: to choose between two bets by what was seen must not make an error likelier than each makes it.
    value = min(float(log_evidence(np.sum([bet.gains for bet in each], axis=0))) for each in (counted, bets))
    opposite, rejected = _opposite(np.array([bet.losses for bet in bets]), math.log(threshold))
    clusters, tonight = sum(night.clusters for night in counted), nights[-1].clusters
    latest = _latest(counted, own_clusters)
    own = sum(night.clusters for night in latest)
    return Evidence(
        value=_exp(value),
        opposite=_exp(opposite),
        threshold=threshold,
        nights=len(counted),
        clusters=clusters,
        mean=sum(night.total for night in counted) / clusters,
        by_night=by_night,
        # A night without a new cluster rejects nothing, whatever the one before it did.
        rejected_tonight=rejected and tonight > 0,
        nights_left=0 if value >= math.log(threshold) else nights_left(bets, threshold),
        tonight=tonight,
        tonight_mean=nights[-1].total / tonight if tonight else None,
        latest=own,
        latest_nights=len(latest),
        latest_mean=sum(night.total for night in latest) / own,
    )


def _latest(nights: Sequence[Night], clusters: int) -> Sequence[Night]:
    """The last nights that hold at least so many clusters together, as few as possible; all if there are fewer."""
    held = np.cumsum([night.clusters for night in reversed(nights)])
    return nights[max(0, len(nights) - 1 - int(np.searchsorted(held, clusters))) :]


def _exp(logarithm: float) -> float:
    return math.exp(min(LARGEST_EXPONENT, logarithm))


def _opposite(losses: Floats, goal: float) -> tuple[float, bool]:
    """ln E for theirs, begun anew after each night in which it reached `goal`; and whether the last night is one."""
    while len(losses):
        by_night = log_evidence(np.cumsum(losses, axis=0))
        reached = np.flatnonzero(by_night >= goal)
        if not len(reached):
            return float(by_night[-1]), False
        if reached[0] == len(losses) - 1:
            return float(by_night[-1]), True
        losses = losses[reached[0] + 1 :]
    return 0.0, False


def vary_as_a_whole(nights: Sequence[Night]) -> bool:
    """Whether nights differ by more than their clusters explain: the F test of equal means (p < 0.05), and F >= 1.5.

    Never with fewer than ten nights of two clusters or more.
    """
    usable = [night for night in nights if night.clusters > 1]
    if len(usable) < MIN_NIGHTS_FOR_VARIANCE:
        return False
    sizes, totals, squares = np.array([(night.clusters, night.total, night.squares) for night in usable]).T
    explained = float((totals**2 / sizes).sum())
    between = (explained - totals.sum() ** 2 / sizes.sum()) / (len(usable) - 1)
    freedom = int(sizes.sum()) - len(usable)
    from scipy.stats import f as f_distribution

    within = (float(squares.sum()) - explained) / freedom
    if between < EXCESS_VARIANCE * within:
        return False
    return within <= 0 < between or bool(f_distribution.sf(between / within, len(usable) - 1, freedom) < VARIANCE_ALPHA)


def clusters_to_show(mean: float, variance: float, threshold: float = THRESHOLD) -> float | None:
    """About how many clusters it takes to reach `threshold` at this true mean and variance; None if it never does."""
    return MIXTURE_COST * 2 * math.log(threshold) * variance / mean**2 if mean > 0 and variance > 0 else None


def nights_left(bets: Sequence[Night], threshold: float = THRESHOLD) -> int | None:
    """Further nights like the mean one until the threshold, if the mean is true; None if it is not above 0."""
    size, total = sum(bet.clusters for bet in bets), sum(bet.total for bet in bets)
    mean = total / size
    needed = clusters_to_show(mean, sum(bet.squares for bet in bets) / size - mean**2, threshold)
    return None if needed is None else max(1, math.ceil((needed - size) * len(bets) / size))


def lower_bound(differences: ArrayLike, threshold: float = THRESHOLD, stakes: Floats = STAKES) -> float:
    """A lower bound of the mean of n differences that holds at all times at once, with probability 1 - 1 / threshold.

    It is the m at which the bet on (d - m) / (1 + m) reaches `threshold`; -1 if nothing is known.
    """
    # Differences repeat: of right and wrong answers there are three, however many nights.
    values, counts = np.unique(np.asarray(differences, dtype=np.float64), return_counts=True)
    if not len(values):
        return -1.0

    from scipy.optimize import brentq

    def surplus(mean: float) -> float:
        moved = np.clip((values - mean) / (1 + mean), -1, 1)
        gains = np.log1p(np.multiply.outer(stakes, moved)) @ counts.astype(np.float64)
        return float(log_evidence(gains)) - math.log(threshold)

    # At the largest difference every bet is lost, so the two ends have different signs.
    return float(brentq(surplus, LOWEST_MEAN, float(values.max()))) if surplus(LOWEST_MEAN) > 0 else -1.0
