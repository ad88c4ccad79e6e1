"""From verdicts to win rates with intervals, raw and as they would be for answers of equal length."""

from collections.abc import Sequence
from math import hypot

import numpy as np
from numpy.typing import NDArray

from rl_assets.core.validation import Record
from rl_assets.metrics.statistics import (
    SEED,
    Z_CONFIDENCE,
    Interval,
    cluster_codes,
    drawn_counts,
    from_draws,
    interval,
)

LENGTH_RESAMPLES = 2_000
# Pseudo-observations that keep the fit finite if one side always wins.
RIDGE = 0.5
NEWTON_STEPS = 25
MIN_VERDICTS = 10


class WinsByLength(Record):
    """Win rates over the pairs in which ours is the longer answer, and over those in which it is the shorter one.

    `mean` is that of the two, `low` its lower 95 % bound; None if there is no such pair.
    """

    longer: Interval | None
    shorter: Interval | None
    mean: float | None
    low: float | None


def wins_by_length(
    points: Sequence[float], lengths: Sequence[tuple[int, int]], clusters: Sequence[str]
) -> WinsByLength:
    """Win rates apart by which answer is longer; pairs of equal length count in neither."""
    differences = [ours - theirs for ours, theirs in lengths]
    halves = [[row for row, value in enumerate(differences) if sign * value > 0] for sign in (1, -1)]
    longer, shorter = (win_rate([points[row] for row in half], [clusters[row] for row in half]) for half in halves)
    mean = (longer.mean + shorter.mean) / 2 if longer and shorter else None
    low = None
    if mean is not None and longer and shorter and longer.se is not None and shorter.se is not None:
        low = mean - Z_CONFIDENCE * hypot(longer.se, shorter.se) / 2
    return WinsByLength(longer=longer, shorter=shorter, mean=mean, low=low)


def win_rate(points: Sequence[float], clusters: Sequence[str]) -> Interval | None:
    """Mean of 1 per win, 0.5 per tie, 0 per loss; None without verdicts."""
    return interval(points, clusters, share=True) if points else None


def net_wins(rate: Interval) -> Interval:
    """Wins minus losses in [-1, 1], from a win rate with ties as halves."""
    low, high = (None if end is None else 2 * end - 1 for end in (rate.low, rate.high))
    se = None if rate.se is None else 2 * rate.se
    return Interval(2 * rate.mean - 1, low, high, se, rate.n, rate.clusters)


def length_controlled(
    points: Sequence[float], lengths: Sequence[tuple[int, int]], clusters: Sequence[str]
) -> Interval | None:
    """The win rate at equal lengths, with its interval; None with fewer than ten verdicts, or all alike.

    A logistic fit of the points on tanh of the standardised difference of lengths (ours - theirs), read where
    the difference is 0 (after Dubois et al. 2024, "Length-Controlled AlpacaEval"; one pair of models, so there
    is no instruction term). Resampled by cluster, vectorised.
    """
    if len(points) < MIN_VERDICTS or len(set(points)) == 1:
        return None
    outcome = np.asarray(points, dtype=np.float64)
    difference = np.asarray([ours - theirs for ours, theirs in lengths], dtype=np.float64)
    spread = float(difference.std())
    feature = np.tanh(difference / spread) if spread > 0 else difference * 0
    codes, size = cluster_codes(clusters)
    chunks = drawn_counts(size, LENGTH_RESAMPLES, SEED)
    draws = np.concatenate([_rate_at_zero(outcome, feature, drawn[:, codes]) for drawn in chunks])
    estimate = float(_rate_at_zero(outcome, feature, np.ones((1, len(outcome))))[0])
    return from_draws(estimate, draws, len(outcome), size, against_zero=False)


def _rate_at_zero(
    outcome: NDArray[np.float64], feature: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """sigmoid(intercept) of weighted logistic fits, one per row of weights (fits x n), by Newton's method."""
    intercept, slope = np.zeros(len(weights)), np.zeros(len(weights))
    for _ in range(NEWTON_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(intercept[:, None] + slope[:, None] * feature, -30, 30)))
        residual, curve = weights * (outcome - fitted), weights * fitted * (1 - fitted)
        top, side = residual.sum(axis=1) - RIDGE * intercept, residual @ feature - RIDGE * slope
        a, b, c = curve.sum(axis=1) + RIDGE, curve @ feature, curve @ feature**2 + RIDGE
        determinant = a * c - b * b
        intercept = intercept + (c * top - b * side) / determinant
        slope = slope + (a * side - b * top) / determinant
    return np.asarray(1 / (1 + np.exp(-intercept)))
