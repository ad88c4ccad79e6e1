"""A simulated month of the router through the real graph: draws of the gateway, late rewards, a state every night.

Segments are independent runs of the worlds of which the regret is known (6 categories, 4 arms, means uniform in
[.3, .9], 20 % of answers rewarded). Regret is per answer, in rewards; Thompson sampling costs .089 over 2,000 answers
in batches of 200, and .113 if rewards come two batches late. At the end the last state is built again of the same lines
in another order, rewards sent twice. Beside the regret stands that of the same worlds simulated without the graph.

`python -m rl_assets_tests.benchmarks.router_month [--nights 10] [--batch 200] [--delay 0]`
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import dagster as dg
import numpy as np

from rl_assets_tests.benchmarks.router import STRATEGIES, World, traffic
from rl_assets_tests.support.admin_server import admin_server
from rl_assets_tests.support.router_world import RouterWorld

KNOWN = {(10, 200, 0): 0.089, (10, 200, 2): 0.113}


def main() -> None:
    """Print a line for every night, and one for each thing that is shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--delay", type=int, default=0, help="nights after which rewards come")
    parser.add_argument("--segments", type=int, default=20)
    parser.add_argument("--bad", type=int, default=10, help="further segments, with an arm of mean 0.15")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, admin_server() as server, dg.DagsterInstance.ephemeral() as instance:
        os.chdir(folder)
        world = RouterWorld(Path(folder), server.url, given.segments, given.bad, given.batch, given.delay, given.seed)
        for night in range(given.nights + 1):
            begin, before = time.perf_counter(), len(world.regrets)
            world.run_night(night, instance)
            if night:
                regret, bad = statistics.mean(world.regrets[before:]), world.drawn[-1]
                seconds = time.perf_counter() - begin
                print(f"night {night:2}  regret {regret:.3f}  bad arm {_share(bad):.1%}  {seconds:.0f} s", flush=True)
        _print_what_is_shown(world, given.nights, KNOWN.get((given.nights, given.batch, given.delay)))


def _print_what_is_shown(world: RouterWorld, nights: int, thompson: float | None) -> None:
    regret = statistics.mean(world.regrets)
    known = f", Thompson sampling {thompson}: {regret / thompson:.2f} of it" if thompson else ""
    print(f"regret {regret:.4f} per answer, {world.random_regret:.3f} if drawn alike{known}")
    print(f"the same worlds without the graph: {_simulated(world, nights):.4f}")
    total = {name: sum(day[name] for day in world.drawn) for name in ("bad", "all")}
    print(f"bad arm: {_share(total):.1%} of all answers, {_share(world.drawn[-1]):.1%} on the last day")
    mean, error = statistics.mean(world.weights), statistics.stdev(world.weights) / len(world.weights) ** 0.5
    print(f"mean weight of each next state over {len(world.weights):,} answers: {mean:.4f}, standard error {error:.4f}")
    rows, learned = world.rebuilt(nights, world.folder / "other")
    same = rows == world.state(nights) and learned == world.learned.model_dump()
    print(f"the state of the lines in another order is {'the same' if same else 'ANOTHER ONE'} ({len(rows):,} rows)")


def _simulated(world: RouterWorld, nights: int) -> float:
    """The regret of the learned shares in the same worlds, whose draws and rewards are others."""
    steps = World(nights * world.batch, world.batch, world.delay * world.batch)
    generators = np.random.default_rng(world.seed + 1).spawn(world.segments)
    pairs = zip(world.means[: world.segments], generators, strict=True)
    return statistics.mean(traffic(steps, STRATEGIES["Thompson"], means, rng)[0] for means, rng in pairs)


def _share(day: dict[str, int]) -> float:
    return day["bad"] / day["all"] if day["all"] else 0.0


if __name__ == "__main__":
    main()
