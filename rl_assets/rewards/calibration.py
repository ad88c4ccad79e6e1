"""Scores of a head as values in [0, 1] that mean what ratings mean, as knots that any program can interpolate.

Below 300 ratings Platt's sigmoid (Platt 1999, "Probabilistic Outputs for Support Vector Machines"), from 300 isotonic
regression (Zadrozny and Elkan 2002). Ratings between 0 and 1 count as shares. Fitted to ratings of answers that the
head did not learn from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.statistics import cluster_codes

Floats = NDArray[np.float64]
Method = Literal["platt", "isotonic", "preferences"]
MIN_ISOTONIC = 300
MIN_RATINGS = 20
BINS = 10
KNOTS = 33
FOLDS = 5
# Of the logits of a sigmoid: its knots end where it is flat.
REACH = 4.0
L2 = 1e-3


@dataclass(frozen=True)
class Calibration:
    """`knots` are (score, value) with both rising; between them values are interpolated, beyond them they are flat."""

    method: Method
    knots: tuple[tuple[float, float], ...]

    def values(self, scores: Floats) -> Floats:
        """Values in [0, 1] of scores (n)."""
        points, heights = np.array(self.knots).T
        values: Floats = np.interp(scores, points, heights)
        return values


def calibrate(scores: Floats, ratings: Floats) -> Calibration:
    """The rising mapping from scores (n) to ratings (n) in [0, 1]. ValueError with less than two ratings."""
    if len(ratings) < 2 or len(scores) != len(ratings):
        raise ValueError(f"{len(scores)} scores and {len(ratings)} ratings: calibration needs two of each or more")
    return _isotonic(scores, ratings) if len(ratings) >= MIN_ISOTONIC else _platt(scores, ratings)


def from_preferences(scores: Floats) -> Calibration:
    """Where there are no ratings: the Bradley-Terry probability of being better than the median of these answers."""
    return _sigmoid("preferences", 1.0, float(np.median(scores)))


def _isotonic(scores: Floats, ratings: Floats) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, increasing=True, out_of_bounds="clip").fit(scores, ratings)
    knots = zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True)
    return Calibration("isotonic", tuple((rounded(x), rounded(y)) for x, y in knots))


def _platt(scores: Floats, ratings: Floats) -> Calibration:
    """Cross-entropy with ratings as soft labels by Newton steps, the slope not below 0.

    As in Platt's paper labels keep away from 0 and 1: (n y + 1) / (n + 2).
    """
    spread = float(scores.std()) or 1.0
    middle = float(scores.mean())
    points = (scores - middle) / spread
    labels = (ratings * len(ratings) + 1) / (len(ratings) + 2)
    columns, weights = np.column_stack([points, np.ones_like(points)]), np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(columns @ weights, -500, 500)))
        gradient = columns.T @ (chance - labels) + L2 * weights
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns + L2 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    slope, offset = float(weights[0]), float(weights[1])
    if slope <= 1e-6:  # Better scores do not mean better ratings: one value for all.
        level = rounded(float(ratings.mean()))
        return Calibration(
            "platt", ((rounded(float(scores.min())), level), (rounded(float(scores.max()) + 1e-9), level))
        )
    return _sigmoid("platt", slope / spread, middle - offset * spread / slope)


def _sigmoid(method: Method, slope: float, middle: float) -> Calibration:
    """Knots of 1 / (1 + exp(-slope (score - middle)))."""
    logits = np.linspace(-REACH, REACH, KNOTS)
    heights = 1 / (1 + np.exp(-logits))
    knots = zip((middle + logits / slope).tolist(), heights.tolist(), strict=True)
    return Calibration(method, tuple((rounded(x), rounded(y)) for x, y in knots))


def rounded(value: float) -> float:
    """To ten significant digits: what lies beyond depends on the order of additions."""
    return float(f"{value:.10g}")


def cross_calibrated(scores: Floats, ratings: Floats, clusters: Sequence[str]) -> Floats:
    """The value of each score by a calibration on the other folds of whole clusters, so that its error is honest."""
    codes, size = cluster_codes(clusters)
    folds = min(FOLDS, size)
    values = np.empty_like(scores)
    for fold in range(folds):
        held_out = codes % folds == fold
        rest = held_out if (~held_out).sum() < 2 else ~held_out
        values[held_out] = calibrate(scores[rest], ratings[rest]).values(scores[held_out])
    return values


def calibration_error(values: Floats, ratings: Floats) -> float:
    """Expected calibration error: |mean value - mean rating| over ten bins of equal width, weighted by their answers.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
    """
    bins = np.clip((values * BINS).astype(int), 0, BINS - 1)
    gaps = [abs(values[bins == one].sum() - ratings[bins == one].sum()) for one in range(BINS)]
    return float(sum(gaps) / len(values))


def monotonicity(scores: Floats, ratings: Floats) -> float:
    """Share of the steps between neighbouring tenths of the scores at which the mean rating does not fall."""
    parts = [part for part in np.array_split(np.argsort(scores, kind="stable"), BINS) if len(part)]
    means = [float(ratings[part].mean()) for part in parts]
    steps = [after >= before for before, after in pairwise(means)]
    return sum(steps) / len(steps) if steps else 1.0


def flat_share(calibration: Calibration, scores: Floats) -> float:
    """Share of scores that lie at or beyond the last knots, or between two knots of one value: a better answer gains
    nothing there."""
    points, heights = np.array(calibration.knots).T
    beyond = (scores <= points[0]) | (scores >= points[-1])
    right = np.clip(np.searchsorted(points, scores, side="right"), 1, len(points) - 1)
    return float((beyond | (heights[right] == heights[right - 1])).mean())
