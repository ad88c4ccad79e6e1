"""`make bench`: each part against a bare baseline, in turns in one process, as ratios. Times alone mean nothing."""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rl_assets.lake import Lake
from rl_assets_tests.benchmarks import datasets, ingest
from rl_assets_tests.benchmarks.logs import write_interactions

MEMORY_LIMIT = "2GB"


def seconds(work: Callable[[], None]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, rows: int, baseline: Callable[[], None], ours: Callable[[], None], rounds: int) -> str:
    """A line of medians over rounds in which both run, one after the other."""
    pairs = [(seconds(baseline), seconds(ours)) for _ in range(rounds)]
    bare, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    times = f"bare {bare:6.2f} s  ours {own:6.2f} s  ratio {own / bare:5.2f}"
    return f"{name:24} {rows:>9,} rows  {times}  {rows / own:>9,.0f} rows/s"


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
            lake = Lake(str(home / "lake"))
            rating = seconds(lambda lake=lake: datasets.rate(lake, MEMORY_LIMIT))
            print(f"{'rated_interactions':24} {rows:>9,} rows  ours {rating:6.2f} s  {rows / rating:>9,.0f} rows/s")
            for name, bare, ours in datasets.works(lake, home, MEMORY_LIMIT):
                print(compare(name, rows, bare, ours, options.rounds), flush=True)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
