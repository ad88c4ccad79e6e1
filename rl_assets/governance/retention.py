"""Retention: days of records that no window needs any more are removed; datasets and adapters stay.

`python -m rl_assets.governance.retention` shows what would be removed; with `--remove` it is.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rl_assets.governance.table_versions import remove_partitions, vacuum
from rl_assets.lake.delta import Lake
from rl_assets.settings import load_settings
from rl_assets.tables.catalog import LASTING_TABLES, RECORD_TABLES
from rl_assets.tables.records import INTERACTIONS

# Longer than any run writes or reads one version of a table.
GRACE_HOURS = 24
Days = dict[str, list[str]]


@dataclass(frozen=True)
class Removed:
    """Removed days by table, the rows they had, and the number of deleted files, those of earlier removals."""

    days: Days
    rows: int
    files: int


def reference_day(lake: Lake, clock: date) -> date:
    """The day that ages are counted from: the newest that landed, or the clock's if that is earlier.

    So a clock that runs ahead, or a log that has stopped, removes nothing that the latest runs were built from.
    """
    return min([clock, *lake.days(INTERACTIONS)[-1:]])


def first_kept_day(today: date, window_days: int | None, retention_days: int | None) -> date | None:
    """The first log day that stays: everything in a window that may still be built, and `retention_days` more.

    None if everything stays, since a window or the retention has no end.
    """
    if window_days is None or retention_days is None:
        return None
    return today - timedelta(days=window_days + retention_days)


def expired_days(lake: Lake, first: date | None) -> Days:
    """Days before `first` by table; tables without any are absent."""
    if first is None:
        return {}
    expired = {table.name: [str(day) for day in lake.days(table) if day < first] for table in RECORD_TABLES}
    return {name: days for name, days in expired.items() if days}


def remove_expired(lake: Lake, days: Mapping[str, Sequence[str]], grace_hours: int = GRACE_HOURS) -> Removed:
    """Remove those days, and delete every file that no version of the last `grace_hours` needs.

    So the first removal after the grace period deletes the files of a removed day: readers can finish.
    """
    rows = 0
    for table in RECORD_TABLES:
        expired = days.get(table.name, ())
        rows += lake.read(table, expired).count_rows()
        remove_partitions(lake, table, expired)
    files = sum(vacuum(lake, table, grace_hours) for table in (*RECORD_TABLES, *LASTING_TABLES))
    return Removed({name: list(expired) for name, expired in days.items()}, rows, files)


def describe_rule(window_days: int | None, retention_days: int | None, first: date | None) -> str:
    """The rule as a sentence; `first` is the first day that stays."""
    if first is None:
        return "everything stays: RL_ASSETS_WINDOW_DAYS or RL_ASSETS_RETENTION_DAYS is null"
    return f"days before {first} expire: a window of {window_days} days and {retention_days} days more"


def main() -> None:
    """Show or remove from the command line."""
    parser = argparse.ArgumentParser(description="Remove days of records that no window needs any more.")
    parser.add_argument("--remove", action="store_true", help="remove them; the default is to show them only")
    arguments, settings = parser.parse_args(), load_settings()
    lake = Lake(settings.paths.lake_url)
    first = first_kept_day(reference_day(lake, datetime.now(UTC).date()), settings.window_days, settings.retention_days)
    days = expired_days(lake, first)
    print(describe_rule(settings.window_days, settings.retention_days, first))
    for name, expired in days.items():
        print(f"{name}: {len(expired)} days, {expired[0]} to {expired[-1]}")
    if arguments.remove:
        removed = remove_expired(lake, days)
        print(f"{removed.rows:,} rows removed, {removed.files} files deleted")


if __name__ == "__main__":
    main()
