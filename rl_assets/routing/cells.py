"""A cell is what is learned of by itself: the arms of a segment in one category, with their counts and priors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rl_assets.metrics.statistics import Z_CONFIDENCE
from rl_assets.routing.config import ANY, RouterFile

Status = Literal["disabled", "undeclared", "failing", "new"]
Numbers = NDArray[np.float64]
# A Beta distribution has two parameters above 0.
MIN_PARAMETER = 1e-3
COUNTS = ("answers", "rewarded", "reward_sum", "won", "lost", "asked_answers", "asked_rewarded")


@dataclass(frozen=True)
class Cell:
    """Arms in the order of their names; arrays hold one number per arm, statuses None for an arm without limits.

    `won` and `lost` are discounted sums of rewards and of what they lack of 1. `asked_answers` and `asked_rewarded`
    count answers that had time to be rewarded.
    """

    segment: str | None
    category: str
    arms: tuple[str, ...]
    status: tuple[Status | None, ...]
    answers: Numbers
    rewarded: Numbers
    reward_sum: Numbers
    won: Numbers
    lost: Numbers
    asked_answers: Numbers
    asked_rewarded: Numbers
    prior_pulls: Numbers
    prior_reward: Numbers

    @property
    def alpha(self) -> Numbers:
        """First parameter of each arm's Beta posterior."""
        return np.maximum(self.prior_reward + self.won, MIN_PARAMETER)

    @property
    def beta(self) -> Numbers:
        """Second parameter."""
        return np.maximum(self.prior_pulls - self.prior_reward + self.lost, MIN_PARAMETER)

    @property
    def mean(self) -> Numbers:
        """Posterior mean reward of each arm."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def bounds(self) -> tuple[Numbers, Numbers]:
        """Wilson's two-sided 95 % interval of the mean logged reward: 0 and 1 without rewards (Wilson 1927)."""
        n, z2 = np.maximum(self.rewarded, 1), Z_CONFIDENCE**2
        share = np.where(self.rewarded > 0, self.reward_sum / n, 0.5)
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        reach = Z_CONFIDENCE / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        known = self.rewarded > 0
        return np.where(known, np.maximum(middle - reach, 0), 0.0), np.where(known, np.minimum(middle + reach, 1), 1.0)


def cells_of(counts: pa.Table, router: RouterFile) -> list[Cell]:
    """The cells of `sql/routing/bandit_state.sql`, whose rows are in the order of segment, category and arm."""
    columns = {name: counts.column(name).to_numpy().astype(np.float64) for name in COUNTS}
    names = [counts.column(name).to_pylist() for name in ("segment", "category", "arm", "failing", "is_new")]
    rows = list(zip(*names, strict=True))
    cells, start = [], 0
    for (segment, category), group in groupby(rows, key=lambda row: row[:2]):
        own = list(group)
        end = start + len(own)
        arms = [row[2] for row in own]
        status = [_status(arm, failing, is_new, router) for _, _, arm, failing, is_new in own]
        sums = {name: values[start:end] for name, values in columns.items()}
        cells.append(_cell(segment, category, arms, status, sums, router))
        start = end
    return cells


def pooled(cells: Sequence[Cell], segment: str | None, router: RouterFile) -> Cell:
    """All cells as one of any category, with the prior of any: of a category that nobody knows this is what is known.

    An arm has a status if it has the same one in all of its cells.
    """
    arms = sorted({arm for cell in cells for arm in cell.arms})
    number = {arm: index for index, arm in enumerate(arms)}
    sums = {name: np.zeros(len(arms)) for name in COUNTS}
    statuses: list[set[Status | None]] = [set() for _ in arms]
    for cell in cells:
        indices = [number[arm] for arm in cell.arms]
        for name, total in sums.items():
            total[indices] += getattr(cell, name)
        for index, own in zip(indices, cell.status, strict=True):
            statuses[index].add(own)
    status = [next(iter(own)) if len(own) == 1 else None for own in statuses]
    return _cell(segment, ANY, arms, status, sums, router)


def _cell(
    segment: str | None,
    category: str,
    arms: Sequence[str],
    status: Iterable[Status | None],
    sums: dict[str, Any],
    router: RouterFile,
) -> Cell:
    priors = np.array([router.prior(category, arm) for arm in arms], dtype=np.float64).reshape(-1, 2)
    return Cell(
        segment, category, tuple(arms), tuple(status), **sums, prior_pulls=priors[:, 0], prior_reward=priors[:, 1]
    )


def _status(arm: str, failing: bool, is_new: bool, router: RouterFile) -> Status | None:
    if router.disables(arm):
        return "disabled"
    if not router.declares(arm):
        return "undeclared"
    if failing:
        return "failing"
    return "new" if is_new else None
