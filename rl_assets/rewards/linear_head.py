"""A linear reward head: Bradley-Terry on differences of named features, and an ensemble of them by bootstrap.

P(first is better) = sigmoid(beta . (x_first - x_second)), without intercept (Bradley and Terry 1952, "Rank Analysis of
Incomplete Block Designs"), with an L2 penalty. numpy alone: some thousand pairs take milliseconds, and the same input
gives the same head.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_assets.metrics.statistics import cluster_codes

L2 = 1.0
MAX_STEPS = 100
# Of the largest coefficient on standardised features, per Newton step.
TOLERANCE = 1e-10


@dataclass(frozen=True)
class LinearHead:
    """`coefficients` (features) on the scale of the features themselves; only differences of scores mean anything."""

    coefficients: NDArray[np.float64]

    def scores(self, features: ArrayLike) -> NDArray[np.float64]:
        """Scores (rows) of features (rows x features), in nats of preference."""
        return np.asarray(features, dtype=np.float64) @ self.coefficients


def fit_head(differences: ArrayLike, weights: ArrayLike, l2: float = L2) -> LinearHead:
    """The head that minimises sum(w log(1 + exp(-beta . x))) + l2 / 2 |beta|^2 over pairs.

    differences (pairs x features): features of the better answer minus those of the worse; weights (pairs), not
    negative. Features are divided by their root mean square over the pairs first, so the penalty treats them alike; one
    that never differs gets 0. Raises ValueError without pairs, of unequal lengths, and for values that are not finite.
    """
    rows, mass = np.atleast_2d(np.asarray(differences, dtype=np.float64)), np.asarray(weights, dtype=np.float64)
    if rows.size == 0 or len(rows) != len(mass):
        raise ValueError(f"{len(rows) if rows.size else 0} pairs and {len(mass)} weights: give one weight per pair")
    if not (np.isfinite(rows).all() and np.isfinite(mass).all()):
        raise ValueError("features or weights of pairs are not finite")
    spread = np.sqrt((rows**2).mean(axis=0))
    scale = np.where(spread > 0, spread, 1.0)
    return LinearHead(np.where(spread > 0, _newton(rows / scale, mass, l2) / scale, 0.0))


def _newton(rows: NDArray[np.float64], mass: NDArray[np.float64], l2: float) -> NDArray[np.float64]:
    """Damped Newton steps on the convex loss; (features)."""
    beta, penalty = np.zeros(rows.shape[1]), l2 * np.eye(rows.shape[1])
    loss = _loss(rows, mass, l2, beta)
    for _ in range(MAX_STEPS):
        chance = 1 / (1 + np.exp(np.clip(rows @ beta, -500, 500)))
        gradient = -rows.T @ (mass * chance) + l2 * beta
        curvature = (rows * (mass * chance * (1 - chance))[:, None]).T @ rows + penalty
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (new := _loss(rows, mass, l2, beta - size * step)) > loss and size > 1e-6:
            size /= 2
        beta, loss = beta - size * step, new
        if np.abs(size * step).max() < TOLERANCE:
            break
    return beta


def _loss(rows: NDArray[np.float64], mass: NDArray[np.float64], l2: float, beta: NDArray[np.float64]) -> float:
    return float((mass * np.logaddexp(0, -rows @ beta)).sum() + l2 / 2 * beta @ beta)


def bootstrap_heads(
    differences: ArrayLike,
    weights: ArrayLike,
    clusters: Sequence[str],
    heads: int = 10,
    seed: int = 0,
    l2: float = L2,
) -> list[LinearHead]:
    """Heads fitted to draws of whole clusters with replacement: how far they disagree is what the pairs leave open.

    The three sequences are parallel (pairs). Raises ValueError as `fit_head` does.
    """
    codes, size = cluster_codes(clusters)
    rng, mass = np.random.default_rng(seed), np.asarray(weights, dtype=np.float64)
    draws = (rng.multinomial(size, np.full(size, 1 / size)) for _ in range(heads))
    return [fit_head(differences, mass * drawn[codes], l2) for drawn in draws]
