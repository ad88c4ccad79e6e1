"""Made-up worlds of a bandit, whose policies' true values are known: 6 categories, 4 arms, a logged policy, another."""

from dataclasses import dataclass

import duckdb
import numpy as np

from rl_assets.routing.estimators import Sessions, reward_model
from rl_assets.routing.logged import SegmentLog
from rl_assets.routing.off_policy import PolicyValue, evaluate, weigh
from rl_assets.routing.overlap import log_refusals
from rl_assets.routing.policies import Policy
from rl_assets_tests.support.choice_logs import as_json, choices, logged

CATEGORIES, ARMS = 6, 4


@dataclass(frozen=True)
class World:
    """Rewards are 1 with a probability that is uniform between two bounds, for each category and arm."""

    name: str
    rows: int
    rewards: tuple[float, float] = (0.2, 0.8)
    floor: float = 0.05


WORLDS = (
    World("rewards .2 to .8", 2_000),
    World("few rows", 500),
    World("rare rewards", 4_000, rewards=(0.002, 0.02)),
    World("no overlap", 2_000, floor=0.0004),
)


@dataclass(frozen=True)
class Sample:
    """A log of a world, the other policy evaluated on it, and what that policy earns in truth."""

    log: SegmentLog
    policy: Policy
    sessions: Sessions
    value: PolicyValue
    truth: float


def sample(world: World, seed: int, connection: duckdb.DuckDBPyConnection | None = None) -> Sample:
    """A world of its own for each seed, its log and the estimates of another policy."""
    rng = np.random.default_rng([seed, world.rows])
    means = rng.uniform(*world.rewards, (CATEGORIES, ARMS))
    chosen_by = world.floor + (1 - ARMS * world.floor) * rng.dirichlet(np.full(ARMS, 0.5), CATEGORIES)
    other = rng.dirichlet(np.ones(ARMS), CATEGORIES)
    category = rng.integers(0, CATEGORIES, world.rows)
    arm = (rng.random(world.rows)[:, None] > chosen_by[category].cumsum(axis=1)).sum(axis=1).clip(max=ARMS - 1)
    reward = (rng.random(world.rows) < means[category, arm]).astype(float)
    stated = np.array([as_json(shares) for shares in chosen_by], dtype=object)
    rows = choices(category, arm, chosen_by[category, arm], reward, arms=stated[category])
    log = logged(rows, connection)
    policy = Policy("other", other[None])
    sessions, part = weigh(log, policy, reward_model(log.answers, CATEGORIES, ARMS))
    value = evaluate(part, policy, sessions, list(log_refusals(log)))
    return Sample(log, policy, sessions, value, float((other * means).sum(axis=1).mean()))
