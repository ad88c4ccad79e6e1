"""Which arm is best, with the right to look every day: a generalised likelihood ratio test of Bernoulli means.

Garivier and Kaufmann 2016, "Optimal Best Arm Identification with Fixed Confidence". Rewards between 0 and 1 vary less
than those of 0 and 1, so for them the test is careful. Later data may unmake a winner: nothing is promoted by it.
"""

from dataclasses import dataclass

import numpy as np

from rl_assets.routing.cells import Cell, Numbers

DELTA = 0.05
MIN_REWARDS = 10


@dataclass(frozen=True)
class Verdict:
    """The best arm of a cell, or None while it is open between the arms `still_in`, by name.

    `evidence` is that against the closest rival; above `threshold` it decides. It is 0 while an arm has few rewards.
    """

    segment: str | None
    category: str
    winner: str | None
    still_in: tuple[str, ...]
    rewards: int
    evidence: float
    threshold: float


def best_arm(cell: Cell) -> Verdict | None:
    """The verdict on the arms that may be drawn; None with fewer than two of them.

    Of 100 cells of equal arms, at most 5 ever have a winner, however often one looks.
    """
    drawable = np.array([status not in ("disabled", "undeclared") for status in cell.status])
    arms = np.array(cell.arms, dtype=object)[drawable]
    n, rewards = cell.rewarded[drawable], cell.reward_sum[drawable]
    if len(arms) < 2:
        return None
    total = int(n.sum())
    threshold = float(np.log((len(arms) - 1) * (1 + np.log(max(total, 1))) / DELTA))
    few = n < MIN_REWARDS
    mean = np.where(few, -1.0, rewards / np.maximum(n, 1))
    best = int(mean.argmax())
    if few[best]:
        return Verdict(cell.segment, cell.category, None, tuple(arms), total, 0.0, threshold)
    evidence = _evidence(n, rewards / np.maximum(n, 1), best)
    open_ = few | (evidence <= threshold)
    open_[best] = True
    still_in, lowest = tuple(arms[open_]), 0.0 if few.any() else float(np.delete(evidence, best).min())
    winner = arms[best] if len(still_in) == 1 else None
    return Verdict(cell.segment, cell.category, winner, still_in, total, lowest, threshold)


def _evidence(n: Numbers, mean: Numbers, best: int) -> Numbers:
    """n_b kl(m_b, m) + n_j kl(m_j, m) of each arm against the best one, with m the mean of both together."""
    together = (n * mean + n[best] * mean[best]) / np.maximum(n + n[best], 1)
    evidence: Numbers = n[best] * _divergence(mean[best], together) + n * _divergence(mean, together)
    return evidence


def _divergence(p: Numbers | float, q: Numbers) -> Numbers:
    """Kullback-Leibler divergence of Bernoulli distributions of means p and q, in nats."""
    from scipy.special import rel_entr

    divergence: Numbers = rel_entr(p, q) + rel_entr(1 - np.asarray(p), 1 - q)
    return divergence
