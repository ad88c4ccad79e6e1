"""`make bench`: each part against a bare baseline, in turns in one process, as ratios. Times alone mean nothing.

Name parts to run only these: `python -m rl_assets_tests.benchmarks ingest history --rows 100000`.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rl_assets.lake.delta import Lake
from rl_assets_tests.benchmarks import datasets, features, ingest
from rl_assets_tests.benchmarks.history import cost_of_a_day
from rl_assets_tests.benchmarks.logs import write_interactions
from rl_assets_tests.benchmarks.measure import alone, compare, seconds

PARTS = ("ingest", "features", "datasets", "history")
HISTORIES = [1, 10, 100, 1_000]
EARLIER_PROMPTS = [0, 100_000, 1_000_000]


def ingest_lines(home: Path, log: Path, rows: int, rounds: int, memory_limit: str) -> Iterator[str]:
    """Ingestion against both baselines, and its peak memory."""
    landing, lake = home / "landing", home / "lake"
    for name, columns in (("ingest, log's columns", "*"), ("ingest, same columns", ingest.DERIVED)):
        yield compare(
            name,
            rows,
            lambda columns=columns, name=name: ingest.bare(log, home / name, columns, memory_limit),
            lambda: ingest.ours(landing, lake, memory_limit),
            rounds,
        )
    for name, work in (("bare", (ingest.bare, log, home / "alone", "*")), ("ours", (ingest.ours, landing, lake))):
        _, wall, peak = alone(*work, memory_limit)
        yield f"{f'ingest, {name}':24} {rows:>9,} rows  {wall:6.2f} s  peak memory {peak:>7,.0f} MiB"


def dataset_lines(home: Path, rows: int, rounds: int, memory_limit: str) -> Iterator[str]:
    """The rating of a window, and each dataset against its baseline."""
    lake = Lake(str(home / "lake"))
    rating = seconds(lambda: datasets.rate(lake, memory_limit))
    yield f"{'rated_interactions':24} {rows:>9,} rows  ours {rating:6.2f} s  {rows / rating:>9,.0f} rows/s"
    datasets.warm_up()
    for name, bare, ours in datasets.works(lake, home, memory_limit):
        yield compare(name, rows, bare, ours, rounds)
        _, wall, peak = alone(datasets.one, lake, home, name, memory_limit)
        yield f"{f'{name}, alone':24} {rows:>9,} rows  {wall:6.2f} s  peak memory {peak:>7,.0f} MiB"


def lines(parts: list[str], rows: int, rounds: int, memory_limit: str) -> Iterator[str]:
    """The lines of the table for one size of log."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        log = write_interactions(home / "landing", ingest.DAY, rows)
        if "ingest" in parts:
            yield from ingest_lines(home, log, rows, rounds, memory_limit)
        else:
            ingest.ours(home / "landing", home / "lake", memory_limit)
        if "features" in parts:
            yield from features.parts(Lake(str(home / "lake")))
        if "datasets" in parts:
            yield from dataset_lines(home, rows, rounds, memory_limit)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Ratios against bare baselines, measured in one run.")
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-limit", default="1GB", help="DuckDB's, of both sides")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    if {"ingest", "features", "datasets"} & set(options.parts):
        for rows in options.rows:
            for line in lines(options.parts, rows, options.rounds, options.memory_limit):
                print(line, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if "features" in options.parts:
            for line in features.lookups(Path(folder), EARLIER_PROMPTS):
                print(line, flush=True)
        if "history" in options.parts:
            for line in cost_of_a_day(Path(folder), HISTORIES):
                print(line, flush=True)


if __name__ == "__main__":
    main()
