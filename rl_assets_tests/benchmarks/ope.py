"""Off-policy estimates: how often intervals hold the truth, two published logs, and time: python -m ...benchmarks.ope

The published logs are those of two ways to choose that ran side by side, so each says what the other would have earned.
"""

import argparse
import math
import resource
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.evaluation.routing.report import routing_headline, write_routing_report
from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table
from rl_assets.routing.config import RouterFile
from rl_assets.routing.estimators import Floats, estimate, reward_model
from rl_assets.routing.intervals import WeightSums, cressie_read
from rl_assets.routing.logged import SegmentLog, register_choices
from rl_assets.routing.off_policy import evaluate, off_policy_report, weigh
from rl_assets.routing.overlap import log_refusals
from rl_assets.routing.policies import Policy
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.bandit_worlds import WORLDS, Sample, World, sample
from rl_assets_tests.support.choice_logs import (
    FIRST,
    as_json,
    choices,
    frequencies,
    logged,
    one_thread,
    open_bandit,
)
from rl_assets_tests.support.samples import unpack

Z = 1.959964
DAYS = 30
LAST = FIRST + timedelta(days=DAYS - 1)


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


def drawn_answers(rows: int, categories: int = 50, arms: int = 20) -> pa.Table:
    """So many rewarded answers of 30 days, two to a session, with the probabilities of all arms."""
    rng = np.random.default_rng(0)
    means = rng.uniform(0.2, 0.8, (categories, arms))
    category, day = rng.integers(0, categories, rows), np.sort(rng.integers(0, DAYS, rows))
    shares = 0.0025 + 0.95 * rng.dirichlet(np.ones(arms), categories)
    arm = (rng.random(rows)[:, None] > shares[category].cumsum(axis=1)).sum(axis=1).clip(max=arms - 1)
    reward = (rng.random(rows) < means[category, arm]).astype(float)
    stated, session = np.array([as_json(own) for own in shares], dtype=object), np.arange(rows) // 2
    return choices(category, arm, shares[category, arm], reward, arms=stated[category], session=session, day=day)


def published_lake(rows: pa.Table, folder: Path) -> Lake:
    """A lake whose interactions and rated answers are these, each with a question of some words."""
    lake, connection = Lake(str(folder)), sql.connect()
    connection.register("rows", rows)
    for offset in range(DAYS):
        day = FIRST + timedelta(days=offset)
        question = "[{'role': 'user', 'content': 'What of ' || interaction_id || ', and why is that so?'}]"
        _publish(
            connection, lake, INTERACTIONS, day, f"answered_on = '{day}'", prompt=question, session_id="session_id"
        )
    columns = {name: name for name in ("category", "propensity", "arms", "reward")}
    days = {"landed_day": "answered_on", "agent": "arm", "drawn": "TRUE"}
    _publish(connection, lake, RATED_INTERACTIONS, LAST, "TRUE", **columns, **days)
    return lake


def _publish(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, day: date, where: str, **columns: str
) -> None:
    """Publish a day of the table with these columns; the others are null."""
    known = {
        "day": f"CAST('{day}' AS DATE)",
        "interaction_id": "interaction_id",
        "answered_at": "answered_on",
        **columns,
    }
    empty = connection.from_arrow(table.schema.empty_table())
    cells = [
        f"CAST({known.get(name, 'NULL')} AS {kind}) AS {name}"
        for name, kind in zip(empty.columns, empty.types, strict=True)
    ]
    lake.publish(
        table, day, connection.sql(f"SELECT {', '.join(cells)} FROM rows WHERE {where}").to_arrow_reader(50_000)
    )


def load(rows: int, folder: Path) -> None:
    """Seconds and peak memory of the report, from the lake to its pages."""
    lake = published_lake(drawn_answers(rows), folder / "lake")
    program = f"from rl_assets_tests.benchmarks.ope import report; report({lake.url!r}, {str(folder)!r})"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    seconds, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    print(f"{rows:,} answers: {seconds:.1f} s, {cpu:.1f} s of CPU, peak {peak:.2f} GB", flush=True)


def report(lake: str, folder: str) -> None:
    """Make the report as the asset does, in a process of its own."""
    connection = sql.connect("1GB")
    register_choices(connection, Lake(lake), LAST)
    made = off_policy_report(connection, LAST, RouterFile())
    write_routing_report(made, Path(folder))
    print(routing_headline(made))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000], help="answers to time the report on")
    options = parser.parse_args()
    print("| world | IPS | SNIPS | DR | Cressie-Read | refused |\n|---|---|---|---|---|---|")
    for world in WORLDS if options.seeds else ():
        coverage(world, options.seeds)
    with TemporaryDirectory() as folder:
        published(unpack(Path(folder)) / "logs-open-bandit")
    for rows in options.rows:
        with TemporaryDirectory() as folder:
            load(rows, Path(folder))


if __name__ == "__main__":
    main()
