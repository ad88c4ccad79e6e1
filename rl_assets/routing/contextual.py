"""Shares by context: linear Thompson sampling (Agrawal and Goyal 2013) on ridge statistics of each arm.

Off unless the router file names `features`, and offered only where off-policy evaluation prefers it to the table. A
context is a vector of features, with a 1 for the constant. Rewards of an arm are taken for linear in it, with noise of
one size for all arms.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rl_assets.routing.cells import Numbers

DRAWS = 2_000


@dataclass(frozen=True)
class Ridge:
    """Of one arm: `gram` A = I + sum of x x' (d x d), `moment` b = sum of r x (d), `squares` sum of r^2, and rewards.

    The posterior of the coefficients is normal, with mean A^-1 b and covariance s^2 A^-1.
    """

    gram: Numbers
    moment: Numbers
    squares: float
    rewards: int

    @classmethod
    def from_rewards(cls, contexts: Numbers, rewards: Numbers) -> "Ridge":
        """The statistics of rewards (n) in contexts (n x d)."""
        gram = np.eye(contexts.shape[1]) + contexts.T @ contexts
        return cls(gram, contexts.T @ rewards, float(rewards @ rewards), len(rewards))

    @property
    def mean(self) -> Numbers:
        """The coefficients (d) of ridge regression with penalty 1."""
        return np.linalg.solve(self.gram, self.moment).astype(np.float64)

    @property
    def residual(self) -> float:
        """What ridge regression leaves of the squares, its penalty included."""
        return max(0.0, self.squares - float(self.moment @ self.mean))


def noise_variance(arms: Mapping[str, Ridge]) -> float:
    """s^2 of rewards in [0, 1], over all arms: 1/4 before any, which no such reward exceeds, and one pseudo-reward."""
    residual = sum(arm.residual for arm in arms.values())
    return (0.25 + residual) / (1 + sum(arm.rewards for arm in arms.values()))


def probabilities_best(arms: Mapping[str, Ridge], contexts: Numbers, seed: int) -> tuple[list[str], Numbers]:
    """Arms by name, and with which frequency each is the best in each context (n x arms), by draws of all coefficients.

    The same seed gives the same draws whatever the order of the arms; these are the propensities if one draws by them.
    """
    names, s = sorted(arms), noise_variance(arms) ** 0.5
    rng = np.random.default_rng(seed)
    best = np.full((len(contexts), DRAWS), -np.inf)
    winner = np.zeros((len(contexts), DRAWS), dtype=np.intp)
    for index, name in enumerate(names):
        arm = arms[name]
        # A = L L', so that L'^-1 z has the covariance A^-1.
        lower = np.linalg.cholesky(arm.gram)
        noise = np.linalg.solve(lower.T, rng.standard_normal((contexts.shape[1], DRAWS)))
        value = contexts @ (arm.mean[:, None] + s * noise)
        winner = np.where(value > best, index, winner)
        best = np.maximum(best, value)
    counts = np.stack([(winner == index).sum(axis=1) for index in range(len(names))], axis=1)
    return names, counts / DRAWS


def with_floor(shares: Numbers, floor: float) -> Numbers:
    """Shares (n x arms) of which `floor` is spread evenly over all arms."""
    mixed: Numbers = (1 - floor) * shares + floor / shares.shape[1]
    return mixed
