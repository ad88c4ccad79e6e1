"""Published logs made into all datasets twice, the second time from shuffled files: the ledger's sums, and the bytes.

python -m rl_assets_tests.benchmarks.ledgers --source <folder of the published logs>
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from rl_assets.core.files import sha256_file
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import publish_dataset
from rl_assets.datasets.ledger import LedgerOfDay, write_ledger
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.benchmarks.sources import METRICS, SOURCES
from rl_assets_tests.support.published_datasets import PARTS

DAYS = [date(2026, 10, 1) + timedelta(days=number) for number in range(14)]
WINDOW = Window(DAYS[-1], None)
MEMORY_LIMIT = "1GB"


def ledger_of(home: Path) -> LedgerOfDay:
    """The ledger of what has landed in the home, after its datasets; LedgerError where a sum does not match."""
    lake = Lake(str(home / "lake"))
    for day in DAYS:
        ingest_day(lake, files_of(home / "landing", day), day, b"ledgers", MEMORY_LIMIT, METRICS)
    rate_interactions(lake, WINDOW, MEMORY_LIMIT)
    for name, (build, policy, suite) in PARTS.items():
        _publish(lake, home / "datasets" / name / str(WINDOW.day), build, policy, suite)
    return write_ledger(lake, WINDOW, home / "datasets", MEMORY_LIMIT)


def _publish(lake: Lake, folder: Path, build, policy, suite: Sequence[Expectation]) -> None:
    connection = rated_as_of(lake, WINDOW, MEMORY_LIMIT)
    rated = lake.published(RATED_INTERACTIONS, WINDOW.day)
    inputs = {RATED_INTERACTIONS.name: {str(WINDOW.day): rated.sha256}}
    publish_dataset(connection, folder, build(connection, policy), policy, suite, inputs)


def shuffled(landing: Path) -> None:
    """Rename the files so that they come in another order."""
    names = random.Random(3)
    for file in sorted(path for path in landing.rglob("*") if path.is_file()):
        file.rename(file.with_name(f"{names.random()}-{file.name}"))


def hashes(home: Path) -> dict[str, str]:
    """The hash of every file of every dataset."""
    files = sorted(path for path in (home / "datasets").rglob("*") if path.is_file() and ".prompts" not in path.parts)
    return {str(path.relative_to(home)): sha256_file(path) for path in files}


def line(name: str, source: Path) -> str:
    """What the ledger says of a source, and whether shuffled files gave the same bytes."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for home in (Path(first), Path(second)):
            SOURCES[name](source, home / "landing")
        ledger = ledger_of(Path(first))
        shuffled(Path(second) / "landing")
        again = ledger_of(Path(second))
        same = hashes(Path(first)) == hashes(Path(second)) and again.published.sha256 == ledger.published.sha256
    taken = {dataset: account.get("selected", 0) for dataset, account in ledger.accounts.items()}
    return f"{name:20} {ledger.published.rows:>7,} answers, sums match, answers taken {taken}, same bytes {same}"


def main() -> None:
    """Print a line a source."""
    parser = argparse.ArgumentParser(description="Ledgers of published logs.")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--samples", nargs="+", choices=SOURCES, default=list(SOURCES))
    options = parser.parse_args()
    for name in options.samples:
        print(line(name, options.source), flush=True)


if __name__ == "__main__":
    main()
