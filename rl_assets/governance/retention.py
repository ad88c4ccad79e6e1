"""Retention: raw and canonical days that no window needs any more leave the lake; datasets and adapters stay.

`python -m rl_assets.governance.retention` shows what would go, and with `--remove` it goes.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rl_assets.governance.history import remove, vacuum
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import ERASURES
from rl_assets.settings import load_settings
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.features import DESCRIBED_DAYS, FEATURES, PROMPT_CLUSTERS, REDACTIONS
from rl_assets.tables.interaction_stats import STATS
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS

# Rows that landed, what is known of each, and their ratings.
LEAVING = (
    RATED_INTERACTIONS,
    JUDGE_PREFERENCES,
    TEACHER_ANSWERS,
    DESCRIBED_DAYS,
    FEATURES,
    REDACTIONS,
    REJECTED_RECORDS,
    FEEDBACK,
    INTERACTIONS,
)
# Accounts without texts; and the clusters of prompts, by which a prompt never changes its split.
STAYING = (INGESTED_FILES, LEDGER, STATS, PROMPT_CLUSTERS, ERASURES)
# Longer than any run writes or reads one version of a table.
GRACE_HOURS = 24
Days = dict[str, list[str]]


@dataclass(frozen=True)
class Removed:
    """What left: days by table, the rows they had, and files deleted, which are those of earlier removals."""

    days: Days
    rows: int
    files: int


def counted_from(lake: Lake, clock: date) -> date:
    """The day that ages are counted from: the newest that landed, or the clock's where that is earlier.

    So a clock that runs ahead, or a log that has stopped, removes nothing that the last nights were built from.
    """
    return min([clock, *lake.days(INTERACTIONS)[-1:]])


def first_kept(today: date, window_days: int | None, retention_days: int | None) -> date | None:
    """The first log day that stays: everything in a window that may still be built, and `retention_days` more.

    None where everything stays, since a window or the retention has no end.
    """
    if window_days is None or retention_days is None:
        return None
    return today - timedelta(days=window_days + retention_days)


def expired(lake: Lake, first: date | None) -> Days:
    """Days before `first` by table; tables without any are left out."""
    if first is None:
        return {}
    found = {table.name: [str(day) for day in lake.days(table) if day < first] for table in LEAVING}
    return {name: days for name, days in found.items() if days}


def remove_expired(lake: Lake, days: Mapping[str, Sequence[str]], grace_hours: int = GRACE_HOURS) -> Removed:
    """Take those days out, and delete every file that no version of the last `grace_hours` needs.

    So the files of a removed day are deleted by the first removal after the grace: who is reading them may end.
    """
    rows = 0
    for table in LEAVING:
        leaving = days.get(table.name, ())
        rows += lake.read(table, leaving).count_rows()
        remove(lake, table, leaving)
    files = sum(vacuum(lake, table, grace_hours) for table in (*LEAVING, *STAYING))
    return Removed({name: list(gone) for name, gone in days.items()}, rows, files)


def sentence(window_days: int | None, retention_days: int | None, first: date | None) -> str:
    """The rule as it stands."""
    if first is None:
        return "everything stays: RL_ASSETS_WINDOW_DAYS or RL_ASSETS_RETENTION_DAYS is null"
    return f"days before {first} go: a window of {window_days} days and {retention_days} days more"


def main() -> None:
    """Show or remove from the command line."""
    parser = argparse.ArgumentParser(description="Remove raw and canonical days that no window needs any more.")
    parser.add_argument("--remove", action="store_true", help="remove them; without it they are shown only")
    wanted, settings = parser.parse_args(), load_settings()
    lake = Lake(settings.paths.lake_url)
    first = first_kept(counted_from(lake, datetime.now(UTC).date()), settings.window_days, settings.retention_days)
    days = expired(lake, first)
    print(sentence(settings.window_days, settings.retention_days, first))
    for name, gone in days.items():
        print(f"{name}: {len(gone)} days, {gone[0]} to {gone[-1]}")
    if wanted.remove:
        removed = remove_expired(lake, days)
        print(f"{removed.rows:,} rows removed, {removed.files} files deleted")


if __name__ == "__main__":
    main()
