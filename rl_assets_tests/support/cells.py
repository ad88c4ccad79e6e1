"""Cells of arms with counts, as a log would give them."""

from collections.abc import Sequence

import numpy as np

from rl_assets.routing.cells import COUNTS, Cell, Status
from rl_assets.routing.config import RouterFile

ROUTER = RouterFile()


def cell(
    won: Sequence[float],
    rewarded: Sequence[float],
    status: Sequence[Status | None] | None = None,
    router: RouterFile = ROUTER,
    **fields: object,
) -> Cell:
    """Arms a, b, c, ... with the sum of their rewards and their number, of today."""
    sums, n = np.asarray(won, float), np.asarray(rewarded, float)
    arms = tuple(chr(ord("a") + index) for index in range(len(sums)))
    priors = np.array([router.prior("maths", arm) for arm in arms])
    counts = dict.fromkeys(COUNTS, n) | {"won": sums, "reward_sum": sums, "lost": n - sums}
    values = {"segment": None, "category": "maths", "arms": arms, "status": tuple(status or [None] * len(arms))}
    return Cell(**values | counts | {"prior_pulls": priors[:, 0], "prior_reward": priors[:, 1]} | fields)
