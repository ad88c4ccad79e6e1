"""Lines that wait for the other lines of their record, of whatever file of the day: on disk if they are many."""

from collections.abc import Callable, Iterator
from itertools import groupby
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql

WAITING = pa.schema(
    [("key", pa.string()), ("source_file", pa.string()), ("source_line", pa.int64()), ("line", pa.string())]
)
READ_ROWS = 1_000
Line = dict[str, Any]


class WaitingLines:
    """A table of lines in a connection of its own, which is opened for the first line that waits."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> "WaitingLines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def keep(self, rows: list[Line], key_of: Callable[[Line], str | None]) -> list[Line]:
        """Keep the lines that have a key; the others."""
        keys = [key_of(row) for row in rows]
        waiting = [{**row, "key": key, "reason": None} for row, key in zip(rows, keys, strict=True) if key is not None]
        if waiting:
            self._insert(pa.Table.from_pylist(waiting, schema=WAITING))
        return [row for row, key in zip(rows, keys, strict=True) if key is None]

    def groups(self) -> Iterator[list[Line]]:
        """The lines of each key, in order of files and lines."""
        if self._connection is None:
            return
        ordered = sql.select(self._connection, "ingest/waiting_lines")
        rows = (row for batch in ordered.to_arrow_reader(READ_ROWS) for row in batch.to_pylist())
        for _, group in groupby(rows, key=lambda row: row["key"]):
            yield [{**row, "reason": None} for row in group]

    def _insert(self, lines: pa.Table) -> None:
        if self._connection is None:
            self._connection = sql.connect("512MB", ())
            self._connection.register("lines", WAITING.empty_table())
            self._connection.execute("CREATE TABLE waiting AS FROM lines")
        self._connection.register("lines", lines)
        self._connection.execute("INSERT INTO waiting FROM lines")
