"""The values of every row that expectations need, noted while the rows stream by, so that texts are read once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.lengths import kind_of, tokens

PIECE_ROWS = 20_000
Rows = Callable[[], Iterator[pa.Table]]


class Notes:
    """The table `noted` on a connection: a row's position, and its values that the expectations name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, expectations: Sequence[Expectation]) -> None:
        self._connection = connection
        self._values = {name: value for item in expectations for name, value in item.notes.items()}
        self._arrays = {name: compute for item in expectations for name, compute in item.arrays.items()}
        self._rows = 0
        self._selected = ""

    def add(self, rows: pa.Table) -> None:
        """Note the next rows; the first call replaces the table, even without rows."""
        piece = rows.append_column("row", pa.array(np.arange(self._rows, self._rows + len(rows))))
        for name, compute in self._arrays.items():
            piece = piece.append_column(name, compute(rows))
        self._connection.register("piece", piece)
        self._selected = self._selected or self._select()
        into = "INSERT INTO noted" if self._rows else "CREATE OR REPLACE TABLE noted AS"
        self._connection.execute(f"{into} {self._selected}")
        self._rows += len(rows)

    def _select(self) -> str:
        kind = kind_of(self._connection.view("piece"))
        values = self._values | ({"tokens": tokens(kind)} if kind else {})
        noted = [f"{value} AS {name}" for name, value in values.items()]
        return f"SELECT {', '.join(['row', *self._arrays, *noted])} FROM piece"


def table_rows(connection: duckdb.DuckDBPyConnection, rows: int = PIECE_ROWS) -> Iterator[pa.Table]:
    """The table `rows` in pieces of so many rows; if it has none, one piece without rows."""
    batches = connection.sql("FROM rows").to_arrow_reader(rows)
    yield batches.schema.empty_table()
    for batch in batches:
        yield pa.Table.from_batches([batch])


def rows_at(pieces: Iterable[pa.Table], positions: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows at `positions`, which are in order; no more is read than up to the last."""
    first, wanted = 0, list(positions)
    for piece in pieces:
        if not wanted:
            return
        here = [position - first for position in wanted if position - first < len(piece)]
        yield from piece.take(pa.array(here, pa.int64())).to_pylist()
        wanted = wanted[len(here) :]
        first += len(piece)
