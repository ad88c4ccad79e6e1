"""From counts to shares of the next day's traffic: Thompson sampling (Thompson 1933) as fixed probabilities.

An arm's share is the frequency with which its draw from the posterior is the largest, so that the probability of every
choice is known before it is made. Seeds are made of what is drawn for: the same counts give the same shares.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_assets.routing.cells import Cell, Numbers, Status
from rl_assets.routing.config import RouterFile

Mask = NDArray[np.bool_]
Order = NDArray[np.intp]
DRAWS = 2_000
# What tells draws apart that rounding made equal, such as those of arms that never failed: often with parameters below.
TIE, OFTEN_EQUAL = 1e-12, 0.2


@dataclass(frozen=True)
class CellShares:
    """Of each arm of a cell: its share, how often its draw was the largest, and what its share is limited by, if so."""

    share: Numbers
    probability_best: Numbers
    limited_by: tuple[Status | None, ...]


def cell_shares(day: str, cell: Cell, router: RouterFile) -> CellShares:
    """Shares that sum to 1, or are all 0 if no arm may be drawn."""
    drawable = np.array([status not in ("disabled", "undeclared") for status in cell.status])
    share, best = np.zeros(len(cell.arms)), np.zeros(len(cell.arms))
    limited_by = list(cell.status)
    if drawable.any():
        first, second = _ordered_draws(day, cell, drawable)
        best[drawable] = _frequency(first, int(drawable.sum()))
        learned, floor = _learned(best[drawable], _frequency(second, int(drawable.sum())), cell, drawable, router)
        status = [own for own, may in zip(cell.status, drawable, strict=True) if may]
        share[drawable], is_limited = _limited(learned, floor, status, router.new_arm_cap, cell.mean[drawable])
        for index, limited in zip(np.flatnonzero(drawable), is_limited, strict=True):
            limited_by[index] = cell.status[index] if limited else None
    return CellShares(share, best, tuple(limited_by))


def _ordered_draws(day: str, cell: Cell, drawable: Mask) -> tuple[Order, Order]:
    """The arms whose draws are the largest and the second largest (draws); the only arm is both.

    Arm by arm, since a matrix of all draws takes twice the time where there are a thousand arms.
    """
    digest = hashlib.sha256("\x1f".join((day, cell.segment or "", cell.category)).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    first, second = np.zeros(DRAWS, dtype=np.intp), np.zeros(DRAWS, dtype=np.intp)
    best, runner_up = np.full(DRAWS, -1.0), np.full(DRAWS, -1.0)
    for arm, parameters in enumerate(zip(cell.alpha[drawable], cell.beta[drawable], strict=True)):
        drawn = rng.beta(*parameters, DRAWS)
        if min(parameters) < OFTEN_EQUAL:
            drawn += TIE * rng.random(DRAWS)
        (above,) = np.nonzero(drawn > runner_up)
        wins = drawn[above] > best[above]
        won, lost = above[wins], above[~wins]
        second[won], runner_up[won] = first[won], best[won]
        first[won], best[won] = arm, drawn[won]
        second[lost], runner_up[lost] = arm, drawn[lost]
    return first, second


def _frequency(drawn: Order, arms: int) -> Numbers:
    return np.bincount(drawn, minlength=arms).astype(np.float64) / len(drawn)


def _learned(
    best: Numbers, runner_up: Numbers, cell: Cell, drawable: Mask, router: RouterFile
) -> tuple[Numbers, float]:
    """Shares of the drawable arms by the strategy, and the lowest of an arm that is not limited.

    `best` and `runner_up` are the frequencies with which an arm's draw was the largest and the second largest.
    """
    strategy = router.strategy
    if strategy == "thompson":
        return _mixed(best, router.floor)
    if strategy == "top_two":
        # Half for the best, half for the best of the others (Russo 2016): the aim is to decide between them.
        return _mixed((best + runner_up) / 2, router.floor)
    if strategy == "epsilon_greedy":
        return _mixed(_only(cell.mean[drawable]), router.epsilon)
    rewarded = cell.rewarded[drawable]
    # UCB1 (Auer et al. 2002): one arm until the next day, of whose answers alone anything is learned.
    width = np.sqrt(np.log(rewarded.sum() + 1) / (rewarded + 1))
    return _only(cell.mean[drawable] + router.ucb_c * width), 0.0


def _mixed(share: Numbers, uniform: float) -> tuple[Numbers, float]:
    floor = uniform / len(share)
    return (1 - uniform) * share + floor, floor


def _only(values: Numbers) -> Numbers:
    """All for the largest value; of equal ones the first."""
    share = np.zeros(len(values))
    share[values.argmax()] = 1.0
    return share


def _limited(
    share: Numbers, floor: float, status: list[Status | None], cap: float, mean: Numbers
) -> tuple[Numbers, Mask]:
    """Shares with failing arms at the floor and new ones at most at the cap, and which of them that lowered.

    The others get what is left, in their proportions; all of it is the best one's if they had nothing. Without others a
    new arm has no cap: failing ones are worse.
    """
    failing, new = (np.array([own == name for own in status]) for name in ("failing", "new"))
    free = ~failing & ~new
    if not free.any():
        free, new = new, np.zeros_like(new)
    if not free.any():
        return share / share.sum(), np.zeros_like(new)
    limit = np.where(failing, floor, np.where(new, cap, np.inf))
    kept = np.minimum(share, limit)
    others = kept[free]
    rest = 1 - kept[~free].sum()
    kept[free] = rest * (others / others.sum() if others.any() else _only(mean[free]))
    return kept / kept.sum(), share > limit
