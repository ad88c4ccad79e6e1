"""A history backfilled by the real daemon: `python -m rl_assets_tests.benchmarks.backfill --days 60 --per-run 60 10 1`.

The assets of `datasets_job` over that many days of small logs, in runs of so many days each, with Dagster's tables in
SQLite or in a PostgreSQL that is started for it. `work` is what all steps of all runs took, `overhead` the other time
that passed; none is told where runs overlap, since their steps then take more time together than passes. The datasets
of every way must have the same content, else it ends with 1.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES

from rl_assets.core.files import sha256_json
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.nights import Nights, nights
from rl_assets_tests.support.postgres import running_server

FIRST = date(2026, 9, 1)
INSTANCE_FILES = {"sqlite": "dagster.yaml", "postgres": "deploy/dagster-postgres.yaml"}


def days(count: int) -> list[str]:
    return [str(FIRST + timedelta(days=number)) for number in range(count)]


@contextmanager
def prepared(folder: Path, storage: str, count: int, rows: int, per_run: int) -> Iterator[Nights]:
    """A home with that many days of logs, and an instance, in an empty folder."""
    with running_server() if storage == "postgres" else nullcontext() as server:
        environment = {
            "RL_ASSETS_START_DATE": str(FIRST),
            "RL_ASSETS_BACKFILL_DAYS": str(per_run),
            **(server.variables if server else {}),
        }
        with nights(
            folder, environment=environment, instance_file=INSTANCE_FILES[storage], module="rl_assets.definitions"
        ) as found:
            for number, day in enumerate(days(count)):
                write_log(found.home, day, range(rows * number, rows * (number + 1)))
            yield found


def work_s(found: Nights) -> float:
    """Seconds of all steps that ended."""
    with found.instance() as instance:
        events = [
            entry.dagster_event
            for run in instance.get_runs()
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
        ]
    return sum(event.step_success_data.duration_ms for event in events if event) / 1_000


def ended(found: Nights) -> list[dg.DagsterRun]:
    """The backfill's runs, once the daemon says that it is over; else none."""
    with found.instance() as instance:
        (backfill,) = instance.get_backfills()
        return list(instance.get_runs()) if backfill.status in BULK_ACTION_TERMINAL_STATUSES else []


def content(home: Path, count: int) -> str:
    """A hash over the datasets of all days."""
    manifests = [read_manifest(home / "datasets" / name / day) for name in DATASETS for day in days(count)]
    return sha256_json([manifest.sha256 if manifest else None for manifest in manifests])


def measure(storage: str, count: int, rows: int, per_run: int) -> tuple[str, str]:
    """A line of the table, and the content of the datasets."""
    folder = Path(tempfile.mkdtemp())
    try:
        with prepared(folder, storage, count, rows, per_run) as found:
            found.start()
            found.wait_for("the daemon", lambda: "Instance is configured" in found.last_lines(1_000))
            found.ask_for_backfill(days(count)[0], days(count)[-1])
            started = time.monotonic()
            runs = found.wait_for("the end of the backfill", lambda: ended(found), seconds=3_600)
            wall, work = time.monotonic() - started, work_s(found)
            good = sum(run.is_success for run in runs)
            overhead = f"{(wall - work) / count:.2f}" if wall > work else "–"
            line = (
                f"{storage:>9} {count:>5} {len(runs):>5} {good:>5} {wall:>8.1f} {work:>8.1f} {wall / count:>8.2f} "
                f"{overhead:>12}"
            )
            return line, content(found.home, count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time of a backfill, by days a run and storage.")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--rows", type=int, default=20, help="answers a day")
    parser.add_argument("--per-run", type=int, nargs="+", default=[60, 10, 1])
    parser.add_argument("--storage", nargs="+", choices=list(INSTANCE_FILES), default=list(INSTANCE_FILES))
    options = parser.parse_args()
    print("  storage  days  runs  good   wall s   work s  s a day  overhead a day")
    contents = set()
    for storage in options.storage:
        for per_run in options.per_run:
            line, found = measure(storage, options.days, options.rows, per_run)
            contents.add(found)
            print(f"{line}   {found[:12]}", flush=True)
    return int(len(contents) > 1)


if __name__ == "__main__":
    sys.exit(main())
