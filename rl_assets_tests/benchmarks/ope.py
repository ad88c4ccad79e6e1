"""Off-policy estimates: how often intervals hold the truth, two published logs, and time: python -m ...benchmarks.ope

The published logs are those of two ways to choose that ran side by side, so each says what the other would have earned.
"""

import argparse
import math
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rl_assets.routing.config import RouterFile
from rl_assets.routing.estimators import Floats, estimate, reward_model
from rl_assets.routing.intervals import WeightSums, cressie_read
from rl_assets.routing.logged import SegmentLog
from rl_assets.routing.off_policy import evaluate, off_policy_report, weigh
from rl_assets.routing.overlap import log_refusals
from rl_assets.routing.policies import Policy
from rl_assets_tests.support.bandit_worlds import WORLDS, Sample, World, sample
from rl_assets_tests.support.choice_logs import (
    FIRST,
    as_json,
    choices,
    connect,
    frequencies,
    logged,
    one_thread,
    open_bandit,
)
from rl_assets_tests.support.samples import unpack

Z = 1.959964


def wald(values: Floats) -> tuple[float, float]:
    """The normal 95 % interval of a mean."""
    reach = Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) - reach, float(values.mean()) + reach


def intervals(drawn: Sample) -> dict[str, tuple[float, float]]:
    """Those of four estimators on one sample, whether it was refused or not."""
    sessions, overlap = drawn.sessions, drawn.value.overlap
    sums = WeightSums.of(sessions.weight, sessions.weighted)
    value, mean_weight = sums.wr / sums.w, sums.w / sums.n
    return {
        "IPS": wald(sessions.weighted),
        "SNIPS": wald(value + (sessions.weighted - value * sessions.weight) / mean_weight),
        "DR": wald(sessions.model + sessions.residual),
        "Cressie-Read": cressie_read(sums, overlap.least_weight, overlap.largest_weight),
    }


def coverage(world: World, seeds: int) -> None:
    """One line of the table: the share of intervals that hold the truth, mean widths, and the share of logs refused."""
    held: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    refused, connection = 0, one_thread()
    for seed in range(seeds):
        drawn = sample(world, seed, connection)
        refused += drawn.value.verdict != "OK"
        for name, (low, high) in intervals(drawn).items():
            held.setdefault(name, []).append(low <= drawn.truth <= high)
            widths.setdefault(name, []).append(high - low)
    cells = [f"{np.mean(held[name]):.3f} ({np.mean(widths[name]):.3f})" for name in held]
    print(f"| {world.name}, n {world.rows:,} | {' | '.join(cells)} | {refused / seeds:.1%} |", flush=True)


def published(folder: Path) -> None:
    """Every estimate of policies on the published logs, next to what the policy earned where it ran."""
    logs = {name: logged(open_bandit(folder, name)) for name in ("random", "bts")}
    often = frequencies(logs["bts"])
    uniform = np.full(often.shape, 1 / often.shape[1])
    earned = {name: float(log.answers.reward.mean()) for name, log in logs.items()}
    greedy = np.eye(often.shape[1])[often.argmax(axis=1)]
    names = ["log", "policy", "earned", "ESS", "mean w", "largest w", "IPS", "SNIPS", "interval"]
    names += ["DM", "DR", "SNDR", "SWITCH", "verdict"]
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    row("random", logs["random"], Policy("frequencies of bts", often[None]), f"{earned['bts']:.6f}")
    row("bts", logs["bts"], Policy("uniform", uniform[None]), f"{earned['random']:.6f}")
    row("random", logs["random"], Policy("most shown by bts", greedy[None]), "unknown")


def row(name: str, log: SegmentLog, policy: Policy, earned: str) -> None:
    """A line of the table of published logs."""
    sessions, part = weigh(log, policy, reward_model(log.answers, len(log.categories), len(log.arms)))
    value = evaluate(part, policy, sessions, list(log_refusals(log)))
    overlap, estimates = value.overlap, estimate(sessions)
    shown = f"[{value.value.low:.6f}, {value.value.high:.6f}]" if value.value else "–"
    tau = "inf" if estimates.switch_tau is None else f"{estimates.switch_tau:.1f}"
    figures = [f"{overlap.ess:.1f}", f"{overlap.mean_weight:.4f}", f"{overlap.largest_seen:.1f}"]
    figures += [f"{estimates.ips:.6f}", f"{estimates.snips:.6f}", shown, f"{estimates.dm:.6f}", f"{estimates.dr:.6f}"]
    figures += [f"{estimates.sndr:.6f}", f"{estimates.switch_dr:.6f} (tau {tau})", value.verdict]
    print(f"| {name} | {policy.name} | {earned} | {' | '.join(figures)} |")


def load(rows: int, categories: int = 50, arms: int = 20, days: int = 30) -> None:
    """Seconds and peak memory of the report on so many rewarded answers, two to a session."""
    rng = np.random.default_rng(0)
    means = rng.uniform(0.2, 0.8, (categories, arms))
    category, day = rng.integers(0, categories, rows), np.sort(rng.integers(0, days, rows))
    shares = 0.0025 + 0.95 * rng.dirichlet(np.ones(arms), categories)
    arm = (rng.random(rows)[:, None] > shares[category].cumsum(axis=1)).sum(axis=1).clip(max=arms - 1)
    reward = (rng.random(rows) < means[category, arm]).astype(float)
    stated = np.array([as_json(own) for own in shares], dtype=object)
    connection = connect(
        choices(
            category, arm, shares[category, arm], reward, arms=stated[category], session=np.arange(rows) // 2, day=day
        )
    )
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    report = off_policy_report(connection, FIRST, RouterFile())
    seconds, peak = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    policies = len(report.segments[0].policies)
    print(
        f"{rows:,} answers, {policies} policies: {seconds:.1f} s, peak {peak / 1e6:.2f} GB ({before / 1e6:.2f} before)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000])
    options = parser.parse_args()
    print("| world | IPS | SNIPS | DR | Cressie-Read | refused |\n|---|---|---|---|---|---|")
    for world in WORLDS:
        coverage(world, options.seeds)
    with TemporaryDirectory() as folder:
        published(unpack(Path(folder)) / "logs-open-bandit")
    for rows in options.rows:
        load(rows)


if __name__ == "__main__":
    main()
