"""What routing by `bandit_state` earns in made-up worlds, against other strategies, and how often a best arm is none.

python -m rl_assets_tests.benchmarks.router

A world has 6 categories and 4 arms with mean rewards drawn from [0.3, 0.9]; one answer in five has a reward, 0 or 1.
A batch is answered by one state, from the rewards that had come by its beginning. States and shares are those of the
project: `learn` on counts as the SQL gives them. Regret is the best arm's mean less that of the arm that answered.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rl_assets.routing.best_arm import best_arm
from rl_assets.routing.cells import COUNTS, cells_of
from rl_assets.routing.config import RouterFile
from rl_assets.routing.state import learn

Numbers = NDArray[np.float64]
CATEGORIES, ARMS, REWARDED = 6, 4, 0.2
BAD = 0.15
STRATEGIES = {
    "random": RouterFile(floor=0.999999),
    "e-greedy .1": RouterFile(strategy="epsilon_greedy"),
    "UCB 1.41": RouterFile(strategy="ucb"),
    "top two": RouterFile(strategy="top_two"),
    "Thompson": RouterFile(),
}


@dataclass(frozen=True)
class World:
    """Steps, how many of them one state answers, and after how many a reward comes."""

    steps: int
    batch: int
    delay: int


WORLDS = (World(2_000, 200, 0), World(2_000, 200, 400), World(10_000, 500, 0))


def counts_table(answers: Numbers, rewarded: Numbers, won: Numbers) -> pa.Table:
    """Counts (categories x arms) as `sql/routing/bandit_state.sql` gives them, all of today."""
    categories, arms = answers.shape
    size = categories * arms
    values = {"answers": answers, "rewarded": rewarded, "reward_sum": won, "won": won, "lost": rewarded - won}
    values |= {"asked_answers": answers, "asked_rewarded": rewarded}
    names = {
        "segment": pa.nulls(size, pa.string()),
        "category": [f"category-{index}" for index in range(categories) for _ in range(arms)],
        "arm": [f"arm-{index}" for _ in range(categories) for index in range(arms)],
        "failing": [False] * size,
        "is_new": [False] * size,
    }
    return pa.table({**names, **{name: values[name].ravel() for name in COUNTS}})


def shares_of(router: RouterFile, day: str, answers: Numbers, rewarded: Numbers, won: Numbers) -> Numbers:
    """The learned shares (categories x arms)."""
    return np.stack([cell.share for cell in learn(day, counts_table(answers, rewarded, won), router).shares])


def traffic(world: World, router: RouterFile, means: Numbers, rng: np.random.Generator) -> tuple[float, Numbers]:
    """Mean regret per step, and the shares (categories x arms) at the end."""
    steps = world.steps
    category, arm = rng.integers(0, CATEGORIES, steps), np.zeros(steps, dtype=np.intp)
    rewarded, number = rng.random(steps) < REWARDED, rng.random(steps)
    win = rng.random(steps)
    for start in range(0, steps, world.batch):
        known = np.arange(steps) <= start - world.delay - 1
        place = (category[known], arm[known])
        sums = np.zeros((3, CATEGORIES, ARMS))
        has_won = win[known] < means[place]
        for total, values in zip(sums, (np.ones(known.sum()), rewarded[known], rewarded[known] & has_won), strict=True):
            np.add.at(total, place, values)
        shares = shares_of(router, f"batch {start}", *sums)
        now = slice(start, start + world.batch)
        reached = shares.cumsum(axis=1)[category[now]]
        arm[now] = np.minimum((number[now, None] >= reached).sum(axis=1), ARMS - 1)
    regret = means.max(axis=1)[category] - means[category, arm]
    return float(regret.mean()), shares


def regrets(world: World, strategy: str, seeds: int, bad: float | None = None) -> tuple[float, float]:
    """Mean regret over the seeds, and the mean share of arm 0 at the end; `bad` is its mean in every category."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        means = rng.uniform(0.3, 0.9, (CATEGORIES, ARMS))
        if bad is not None:
            means[:, 0] = bad
        regret, shares = traffic(world, STRATEGIES[strategy], means, rng)
        found.append((regret, float(shares[:, 0].mean())))
    regret, share = np.mean(found, axis=0)
    return float(regret), float(share)


def looks(
    means: Sequence[float], strategy: str, rng: np.random.Generator, limit: int, batch: int = 100
) -> tuple[int | None, int]:
    """The arm that wins if one looks after every batch, all of whose answers are rewarded, and the samples it took."""
    arms, router = len(means), STRATEGIES[strategy]
    n, won = np.zeros((1, arms)), np.zeros((1, arms))
    for look in range(limit // batch):
        uniform = strategy == "random"
        shares = np.full(arms, 1 / arms) if uniform else shares_of(router, f"look {look}", n, n, won)[0]
        drawn = rng.multinomial(batch, shares)
        n[0] += drawn
        won[0] += rng.binomial(drawn, means)
        verdict = best_arm(cells_of(counts_table(n, n, won), router)[0])
        if verdict and verdict.winner:
            return int(verdict.winner.removeprefix("arm-")), int(n.sum())
    return None, limit


def false_winners(seeds: int, limit: int) -> float:
    """The share of contests of two equal arms that ever have a winner."""
    return float(np.mean([looks((0.5, 0.5), "random", rng, limit)[0] is not None for rng in streams(seeds)]))


def samples_needed(gap: float, strategy: str, seeds: int) -> tuple[float, float]:
    """The median of samples until the best of four arms wins, each `gap` below the one before; other winners' share."""
    found = [looks([0.6 - gap * rank for rank in range(4)], strategy, rng, 40_000) for rng in streams(seeds)]
    return float(np.median([samples for _, samples in found])), float(np.mean([winner != 0 for winner, _ in found]))


def streams(count: int) -> list[np.random.Generator]:
    return np.random.default_rng(0).spawn(count)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Regret of the router, and winners of contests.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--contests", type=int, default=300)
    options = parser.parse_args()
    _print_table("mean regret", lambda world, strategy: f"{regrets(world, strategy, options.seeds)[0]:.3f}")
    _print_table("share of a bad arm", lambda world, strategy: f"{regrets(world, strategy, options.seeds, BAD)[1]:.1%}")
    started = time.perf_counter()
    equal = false_winners(options.contests, 10_000)
    print(f"two equal arms, {options.contests} contests of 10,000 samples: {equal:.1%} have a winner", flush=True)
    for gap in (0.05, 0.10):
        for strategy in ("random", "top two"):
            samples, wrong = samples_needed(gap, strategy, options.contests // 2)
            print(f"gap {gap:.2f}, {strategy:7}: {samples:,.0f} samples (median), {wrong:.1%} wrong", flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


def _print_table(name: str, value: Callable[[World, str], str]) -> None:
    print(f"{name:28}", *(f"{strategy:>12}" for strategy in STRATEGIES), flush=True)
    for world in WORLDS:
        title = f"T {world.steps:,}, batch {world.batch}, delay {world.delay}"
        print(f"{title:28}", *(f"{value(world, strategy):>12}" for strategy in STRATEGIES), flush=True)


if __name__ == "__main__":
    main()
