"""What published logs become, to the last line: python -m rl_assets_tests.benchmarks.samples --source <their folder>

Prints a row of a markdown table for each: lines in, rows, duplicates and rejects by reason (which add up), answers and
acts of feedback, acts whose answer did not land, and rows of each dataset.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from rl_assets.datasets.builders import Built, build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, Policy, RewardPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, as_of, rate_interactions, rated_as_of
from rl_assets.ingest.day import IngestedDay, ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake
from rl_assets_tests.benchmarks.sources import METRICS, SOURCES
from rl_assets_tests.support.logs import all_rows

DAYS = [date(2026, 10, 1) + timedelta(days=number) for number in range(14)]
WINDOW = Window(DAYS[-1], None)
MEMORY_LIMIT = "1GB"
DATASETS: dict[str, tuple[Callable[[duckdb.DuckDBPyConnection, Any], Built], Policy]] = {
    "sft": (build_sft, SftPolicy()),
    "dpo": (build_pairs, DpoPolicy()),
    "kto": (build_kto, KtoPolicy()),
    "grpo": (build_grpo, GrpoPolicy()),
    "reward": (build_pairs, RewardPolicy()),
}
HEADER = ["sample", "lines", "rows", "duplicates", "rejects", "answers", "feedback", "unreached", *DATASETS]


def counted(name: str, source: Path, home: Path) -> list[object]:
    """A row of the table. Raises AssertionError where a line is lost."""
    SOURCES[name](source, home / "landing")
    lake = Lake(str(home / "lake"))
    days = [ingest_day(lake, files_of(home / "landing", day), day, b"samples", MEMORY_LIMIT, METRICS) for day in DAYS]
    rejects = sum((Counter(day.rejects) for day in days), Counter())
    lines, rows, duplicates = (_total(days, field) for field in ("lines", "rows", "duplicates"))
    assert lines == rows + duplicates + rejects.total(), f"{name}: {lines} lines, {rows}, {duplicates}, {rejects}"
    rate_interactions(lake, WINDOW, MEMORY_LIMIT)
    why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(rejects.items())) or "none"
    tables = [sum(day.published[table].rows for day in days) for table in ("interactions", "feedback")]
    return [name, lines, rows, duplicates, why, *tables, _unreached(lake), *_dataset_rows(lake)]


def _total(days: list[IngestedDay], field: str) -> int:
    return sum(getattr(day, field) for day in days)


def _unreached(lake: Lake) -> int:
    statement = (
        "SELECT count(DISTINCT feedback_id) FROM first_feedback ANTI JOIN interactions "
        "ON first_feedback.interaction_id = interactions.interaction_id"
    )
    return int(as_of(lake, WINDOW, MEMORY_LIMIT).sql(statement).fetchall()[0][0])


def _dataset_rows(lake: Lake) -> list[int]:
    counts = []
    for build, policy in DATASETS.values():
        connection = rated_as_of(lake, WINDOW, MEMORY_LIMIT)
        counts.append(len(all_rows(build(connection, policy))))
    return counts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What published logs become.")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--samples", nargs="+", choices=SOURCES, default=list(SOURCES))
    options = parser.parse_args()
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    for name in options.samples:
        with tempfile.TemporaryDirectory() as home:
            row = counted(name, options.source, Path(home))
        print(f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in row)} |", flush=True)


if __name__ == "__main__":
    main()
