"""Ways to choose an arm that the log could have followed: each a table of probabilities by day, category and arm.

What a policy has learnt when it chooses on a day comes from the days before, as it would have in production.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np

from rl_assets.models.served_names import PRODUCT
from rl_assets.routing.cells import Cell, Status
from rl_assets.routing.config import RouterFile
from rl_assets.routing.estimators import Floats
from rl_assets.routing.logged import SegmentLog
from rl_assets.routing.thompson import cell_shares

UNIFORM, GREEDY, LEARNED = "uniform", "greedy", "learned"
# Of arms that are each evaluated on their own: the most drawn.
MAX_ARMS = 30
# Shares are drawn for at most so many categories x arms x days.
MAX_CELLS = 10_000
# Rewards below which an arm is new.
MIN_KNOWN = 30


@dataclass(frozen=True)
class Policy:
    """`shares` (days x categories x arms) sum to 1 over arms; answers before day number `first_day` do not count."""

    name: str
    shares: Floats
    first_day: int = 0

    @property
    def is_deterministic(self) -> bool:
        """Whether it leaves nothing to chance."""
        return bool(np.isin(self.shares, (0.0, 1.0)).all())


def evaluated_policies(log: SegmentLog, router: RouterFile) -> Iterator[Policy]:
    """Uniform, each declared arm always, and what rewards of earlier days would have chosen, if there are any.

    One at a time: a table has as many cells as there are days, categories and arms.
    """
    declared = np.array([router.declares(arm) for arm in log.arms], dtype=bool)
    if not declared.any():
        return
    shape = (len(log.days), len(log.categories), len(log.arms))
    yield Policy(UNIFORM, np.broadcast_to(declared / declared.sum(), shape))
    for arm in _most_drawn(log, declared):
        yield Policy(f"always {log.arms[arm]}", np.broadcast_to(np.eye(len(log.arms))[arm], shape))
    yield from _learning_policies(log, router)


def _most_drawn(log: SegmentLog, declared: np.ndarray) -> list[int]:
    """The declared arms in the order of their names; of too many, those drawn most."""
    drawn = log.support.drawn.sum(axis=0)
    ranked = sorted(np.flatnonzero(declared).tolist(), key=lambda arm: (-drawn[arm], arm))
    return sorted(ranked[:MAX_ARMS])


@dataclass(frozen=True)
class Evidence:
    """What was known at the start of each day (days x categories x arms each), of the days before it.

    `rewards` counts rewards; `won` and `lost` sum them and what they lack of 1, older ones weighing less.
    """

    rewards: Floats
    won: Floats
    lost: Floats


def evidence_before(log: SegmentLog, discount: float) -> Evidence:
    """The evidence of every day of the log; a reward weighs `discount` per day of its age at the end of the day before.

    Rewards count by the day of their answer: one that came late was known later than here.
    """
    shape = (len(log.days), len(log.categories), len(log.arms))
    index = np.ravel_multi_index((log.day, log.answers.category, log.answers.arm), shape)

    def known(values: Floats, kept: float) -> Floats:
        daily = np.bincount(index, values, math.prod(shape)).reshape(shape)
        return _accumulated(daily.astype(np.float64), log, kept)

    reward = log.answers.reward
    return Evidence(known(np.ones(len(log)), 1.0), known(reward, discount), known(1 - reward, discount))


def _accumulated(daily: Floats, log: SegmentLog, discount: float) -> Floats:
    before = np.zeros_like(daily)
    for day in range(1, len(log.days)):
        passed = (log.days[day] - log.days[day - 1]).days
        before[day] = before[day - 1] * discount**passed + daily[day - 1] * discount ** (passed - 1)
    return before


def _learning_policies(log: SegmentLog, router: RouterFile) -> Iterator[Policy]:
    """The arm of the highest posterior mean, and the shares that the router would have drawn by."""
    evidence = evidence_before(log, router.discount)
    known = np.flatnonzero(evidence.rewards.sum(axis=(1, 2)) > 0)
    if not len(known):
        return
    first = int(known[0])
    yield Policy(GREEDY, _by_day(log, evidence, first, router, _greedy), first)
    yield Policy(LEARNED, _by_day(log, evidence, first, router, _learned), first)


Choice = Callable[..., Floats]


def _by_day(log: SegmentLog, evidence: Evidence, first: int, router: RouterFile, choose: Choice) -> Floats:
    """The choice in every category of every day from the first on; every few days anew if there are very many."""
    shares = np.zeros_like(evidence.won)
    steps = max(1, min(len(log.days), MAX_CELLS // shares[0].size))
    wait = -(-len(log.days) // steps)
    statuses = _statuses(log, evidence, router)
    for day in range(first, len(log.days)):
        if (day - first) % wait:
            shares[day] = shares[day - 1]
            continue
        as_of = str(log.days[day] - timedelta(days=1))
        categories = range(len(log.categories))
        cells = [_cell(log, evidence, (day, category), statuses[day], router) for category in categories]
        # numpy draws outside of the interpreter's lock.
        with ThreadPoolExecutor() as threads:
            shares[day] = list(threads.map(partial(choose, as_of, router=router), cells))
    return shares


def _cell(
    log: SegmentLog, evidence: Evidence, position: tuple[int, int], status: Sequence[Status | None], router: RouterFile
) -> Cell:
    category = log.categories[position[1]]
    rewards, won, lost = (part[position] for part in (evidence.rewards, evidence.won, evidence.lost))
    priors = np.array([router.prior(category, arm) for arm in log.arms], dtype=np.float64)
    segment = None if log.segment == PRODUCT else log.segment
    counts = dict.fromkeys(("answers", "rewarded", "asked_answers", "asked_rewarded"), rewards)
    return Cell(
        segment,
        category,
        tuple(log.arms),
        tuple(status),
        **counts,
        reward_sum=won,
        won=won,
        lost=lost,
        prior_pulls=priors[:, 0],
        prior_reward=priors[:, 1],
    )


def _statuses(log: SegmentLog, evidence: Evidence, router: RouterFile) -> list[list[Status | None]]:
    """Of every arm at the start of every day; which arms failed is not looked at."""
    rewards = evidence.rewards.sum(axis=1)
    seen = np.bincount(np.ravel_multi_index((log.day, log.answers.arm), rewards.shape), minlength=rewards.size)
    arrived = (seen.reshape(rewards.shape) > 0).argmax(axis=0)
    came_late = (rewards >= MIN_KNOWN).any(axis=1)[arrived]
    fixed: list[Status | None] = [
        "disabled" if router.disables(arm) else None if router.declares(arm) else "undeclared" for arm in log.arms
    ]
    return [
        [
            own or ("new" if late and known < MIN_KNOWN else None)
            for own, late, known in zip(fixed, came_late, day, strict=True)
        ]
        for day in rewards
    ]


def _learned(as_of: str, cell: Cell, router: RouterFile) -> Floats:
    return cell_shares(as_of, cell, router).share


def _greedy(as_of: str, cell: Cell, router: RouterFile) -> Floats:
    """All for the declared arm of the highest posterior mean; of equal ones the first by name."""
    mean = np.where([status in (None, "new") for status in cell.status], cell.mean, -1.0)
    chosen: Floats = (np.arange(len(mean)) == mean.argmax()).astype(np.float64)
    return chosen
