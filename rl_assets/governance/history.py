"""The past of tables: rows and files that nobody reads any more, and what the table's log remembers of them."""

from collections.abc import Iterable

from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table

# How long the log itself, and the names of deleted files in it, are kept: Delta's own defaults, and nothing.
USUAL = {"delta.logRetentionDuration": "interval 30 days", "delta.deletedFileRetentionDuration": "interval 1 week"}
NOTHING = dict.fromkeys(USUAL, "interval 0 seconds")


def remove(lake: Lake, table: Table, keys: Iterable[str]) -> None:
    """Take the rows of `keys` (values of the partition column) out in one commit; their files wait for `vacuum`."""
    delta = lake.open(table)
    quoted = ["'" + key.replace("'", "''") + "'" for key in keys]
    if delta is not None and quoted:
        delta.delete(f"{table.partition} IN ({', '.join(quoted)})")


def vacuum(lake: Lake, table: Table, hours: int) -> int:
    """Delete the files that the present version has not, and that are older than `hours`; their number.

    What a killed writer left is among them, and what a living one has not committed: `hours` must outlast any writing.
    """
    delta = lake.open(table)
    if delta is None:
        return 0
    return len(delta.vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=False, full=True))


def forget_versions(lake: Lake, table: Table) -> int:
    """Keep the present version and nothing of earlier ones; the number of files deleted.

    The log goes too: it holds the least and the greatest text of every column of every file. Readers of an earlier
    version fail, so nothing else may run.
    """
    delta = lake.open(table)
    if delta is None:
        return 0
    deleted = vacuum(lake, table, hours=0)
    delta.update_incremental()
    delta.alter.set_table_properties(NOTHING)
    delta.create_checkpoint()
    delta.cleanup_metadata()
    delta.alter.set_table_properties(USUAL)
    return deleted
