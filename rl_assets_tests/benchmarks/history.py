"""What a day costs after many days of history: all of `ingest_day`, on a lake with 1, 10, 100 and 1,000 days."""

import statistics
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.benchmarks.logs import write_interactions
from rl_assets_tests.benchmarks.measure import seconds

FIRST = date(2020, 1, 1)
ROWS = 200
MEASURED = 5


def cost_of_a_day(home: Path, histories: list[int]) -> Iterator[str]:
    """A line for each length of history: the median time of some days that land after it."""
    lake, there = Lake(str(home / "lake")), 0
    for history in histories:
        while there < history:
            _copied_day(lake, home, there)
            there += 1
        times = []
        for _ in range(MEASURED):
            day = _log(home, there)
            times.append(seconds(lambda day=day: _ingest(lake, home, day)))
            there += 1
        name = "a day after history"
        yield f"{name:24} {history:>9,} days  ours {statistics.median(times):6.2f} s  (median of {MEASURED})"


def _log(home: Path, number: int) -> date:
    day = FIRST + timedelta(days=number)
    write_interactions(home / "landing", day, ROWS)
    return day


def _ingest(lake: Lake, home: Path, day: date) -> None:
    ingest_day(lake, files_of(home / "landing", day), day, b"benchmark")


def _copied_day(lake: Lake, home: Path, number: int) -> None:
    """One more day of history in the four tables: the first is ingested, the others are commits of its rows."""
    day = FIRST + timedelta(days=number)
    if number == 0:
        _ingest(lake, home, _log(home, number))
        return
    for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES):
        rows = lake.read(table, [FIRST]).to_table()
        days = pa.array([day] * rows.num_rows, pa.date32())
        lake.publish(table, day, rows.set_column(0, table.schema.field(0), days).to_reader())
