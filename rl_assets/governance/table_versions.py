"""Old versions of tables: their rows, their files, and what the table's log still states about them."""

from collections.abc import Iterable

from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table

# How long the log, and the names of deleted files in it, are kept: Delta's defaults, and not at all.
DEFAULT_RETENTION = {
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 1 week",
}
NO_RETENTION = dict.fromkeys(DEFAULT_RETENTION, "interval 0 seconds")


def remove_partitions(lake: Lake, table: Table, keys: Iterable[str]) -> None:
    """Remove the rows of `keys` (values of the partition column) in one commit; `vacuum` deletes their files."""
    delta = lake.open(table)
    quoted = ["'" + key.replace("'", "''") + "'" for key in keys]
    if delta is not None and quoted:
        delta.delete(f"{table.partition} IN ({', '.join(quoted)})")


def vacuum(lake: Lake, table: Table, hours: int) -> int:
    """Delete files older than `hours` that the current version does not use; returns their number.

    They include files of killed writers, and uncommitted files of running ones: `hours` must exceed any write.
    """
    delta = lake.open(table)
    if delta is None:
        return 0
    return len(delta.vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=False, full=True))


def purge_versions(lake: Lake, table: Table) -> int:
    """Keep the current version and nothing of earlier ones; returns the number of files deleted.

    The log goes too, since it contains the minimum and maximum text of every column of every file. Readers of an
    earlier version fail, so nothing else may run.
    """
    delta = lake.open(table)
    if delta is None:
        return 0
    deleted = vacuum(lake, table, hours=0)
    delta.update_incremental()
    delta.alter.set_table_properties(NO_RETENTION)
    delta.create_checkpoint()
    delta.cleanup_metadata()
    delta.alter.set_table_properties(DEFAULT_RETENTION)
    return deleted
