"""The newest versions of tables that a long-running process asks for again and again.

A table that is kept open is brought up to date by the commits since then; opening it anew takes ten times as long.
"""

import time
from collections.abc import Sequence

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table

Versions = tuple[int | None, ...]


class TableVersions:
    """Versions of some tables of a lake. Not for several threads at once.

    Every `open_seconds` all are opened anew: commits alone do not show that somebody deleted a table and made another.
    """

    def __init__(self, lake: Lake, tables: Sequence[Table], open_seconds: float = 60) -> None:
        self._lake, self._tables, self._open_seconds = lake, tables, open_seconds
        self._open: dict[str, DeltaTable] = {}
        self._opened_at = time.monotonic()

    def newest(self) -> Versions:
        """The version of each table now, or None for one without a commit."""
        if time.monotonic() - self._opened_at >= self._open_seconds:
            self._open.clear()
            self._opened_at = time.monotonic()
        return tuple(self._version(table) for table in self._tables)

    def _version(self, table: Table) -> int | None:
        try:
            if (kept := self._open.get(table.name)) is not None:
                kept.update_incremental()
                return kept.version()
        except (DeltaError, TableNotFoundError):
            del self._open[table.name]
        opened = self._lake.open(table)
        if opened is not None:
            self._open[table.name] = opened
        return opened.version() if opened else None
