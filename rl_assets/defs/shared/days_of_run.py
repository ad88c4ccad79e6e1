"""The days that a run is for, and whether what they are built from exists. A run for no day, or from nothing, fails."""

from collections.abc import Sequence

import dagster as dg

from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table


def days_of_run(context: dg.AssetExecutionContext) -> Sequence[str]:
    """The days of the run, in order; a failure if its range was written backwards, which Dagster takes for no days."""
    days: Sequence[str] = context.partition_keys
    if not days:
        first, last = context.partition_key_range
        raise dg.Failure(
            f"the range {first}...{last} holds no day, because it ends before it starts: write {last}...{first}",
            allow_retries=False,
        )
    return days


def require_input(context: dg.AssetExecutionContext, lake: Lake, table: Table, day: str) -> None:
    """Fail if `table` was never materialized for the day: neither the lake has rows of it, nor Dagster an event.

    A day that is materialized without a row is an input; a day that never was is not the same as an empty one.
    """
    if day in lake.keys(table):
        return
    filters = dg.AssetRecordsFilter(dg.AssetKey(table.name), asset_partitions=[day])
    if not context.instance.fetch_materializations(filters, limit=1).records:
        asset = context.asset_key.to_user_string()
        raise dg.Failure(
            f"{asset} of {day} cannot be built: {table.name} of {day} was never materialized. Materialize it first, or "
            f"select {table.name} and everything between it and {asset} in the same run",
            allow_retries=False,
        )
