"""What expectations ask of every row, noted while the rows pass by: of texts that lie in memory anyway, once."""

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
    """The table `noted` on a connection: a row's place, and the values of it that the expectations name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, expectations: Sequence[Expectation]) -> None:
        self._connection = connection
        self._values = {name: value for item in expectations for name, value in item.notes.items()}
        self._looks = {name: look for item in expectations for name, look in item.looks.items()}
        self._rows = 0
        self._selected = ""

    def add(self, rows: pa.Table) -> None:
        """Note the next rows; the first call begins the table anew, with rows or without."""
        piece = rows.append_column("row", pa.array(np.arange(self._rows, self._rows + len(rows))))
        for name, look in self._looks.items():
            piece = piece.append_column(name, look(rows))
        self._connection.register("piece", piece)
        self._selected = self._selected or self._select()
        into = "INSERT INTO noted" if self._rows else "CREATE OR REPLACE TABLE noted AS"
        self._connection.execute(f"{into} {self._selected}")
        self._rows += len(rows)

    def _select(self) -> str:
        kind = kind_of(self._connection.view("piece"))
        values = self._values | ({"tokens": tokens(kind)} if kind else {})
        noted = [f"{value} AS {name}" for name, value in values.items()]
        return f"SELECT {', '.join(['row', *self._looks, *noted])} FROM piece"


def table_rows(connection: duckdb.DuckDBPyConnection, rows: int = PIECE_ROWS) -> Iterator[pa.Table]:
    """The table `rows` in pieces of so many rows; where it has none, one piece without rows."""
    batches = connection.sql("FROM rows").to_arrow_reader(rows)
    yield batches.schema.empty_table()
    for batch in batches:
        yield pa.Table.from_batches([batch])


def rows_at(pieces: Iterable[pa.Table], places: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows at `places`, which are in order; no more is read than up to the last."""
    first, wanted = 0, list(places)
    for piece in pieces:
        if not wanted:
            return
        here = [place - first for place in wanted if place - first < len(piece)]
        yield from piece.take(pa.array(here, pa.int64())).to_pylist()
        wanted = wanted[len(here) :]
        first += len(piece)
