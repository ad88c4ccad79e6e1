"""`make bench`: each part against a bare baseline, in turns in one process, as ratios. Times alone mean nothing here."""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rl_assets_tests.benchmarks import ingest
from rl_assets_tests.benchmarks.logs import write_interactions


def seconds(work: Callable[[], None]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, rows: int, baseline: Callable[[], None], ours: Callable[[], None], rounds: int) -> str:
    """A line of medians over rounds in which both run, one after the other."""
    pairs = [(seconds(baseline), seconds(ours)) for _ in range(rounds)]
    bare, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    return f"{name:24} {rows:>9,} rows  bare {bare:6.2f} s  ours {own:6.2f} s  ratio {own / bare:5.2f}  {rows / own:>9,.0f} rows/s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Ratios against bare baselines, measured in one run.")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            log = write_interactions(home / "landing", ingest.DAY, rows)
            print(
                compare(
                    "ingest",
                    rows,
                    lambda log=log, home=home: ingest.bare(log, home / "bare"),
                    lambda home=home: ingest.ours(home / "landing", home / "lake"),
                    options.rounds,
                ),
                flush=True,
            )
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
