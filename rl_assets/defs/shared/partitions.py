"""Partitions and pace: log days in UTC, how many of them one run processes, and how often sensors tick.

Partitions of one concept, such as sources of documentation, lie with its assets.
"""

import dagster as dg

from rl_assets.defs.shared.dagster_warnings import ignore_known_warnings
from rl_assets.settings import load_settings

# Here, because every module with assets imports this one.
ignore_known_warnings()

SENSOR_SECONDS = load_settings().sensor_seconds
days = dg.DailyPartitionsDefinition(start_date=str(load_settings().start_date), end_offset=1)

# The tag of runs that a backfill requested.
BACKFILL = "dagster/backfill"
MAX_DAYS_PER_RUN = load_settings().backfill_days
# Of assets on CPU. `dg launch --partition-range` needs the first.
one_run = dg.BackfillPolicy.single_run() if MAX_DAYS_PER_RUN is None else dg.BackfillPolicy.multi_run(MAX_DAYS_PER_RUN)


def day_check(name: str, asset: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    """A check of each day of an asset: a good day never hides a bad one."""
    return dg.AssetCheckSpec(name, asset=asset, description=description, blocking=blocking, partitions_def=days)


def trailing(window_days: int | None) -> dg.PartitionMapping:
    """A day depends on the days of its trailing window, one earlier for logs that rotate around midnight."""
    if window_days is None:
        return dg.AllPartitionMapping()
    return dg.TimeWindowPartitionMapping(start_offset=-window_days, end_offset=0)
