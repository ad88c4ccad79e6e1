"""The content of rows as one hash, whatever their order; streamed, so that any number takes the same memory."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow.dataset as pds

from rl_assets.core.files import sha256_json

MISSING, BETWEEN = "chr(29)", "chr(31)"  # Told from an empty text, and from each other.


class Content(NamedTuple):
    """How many rows there are, and the hex sha256 of what they say."""

    rows: int
    sha256: str


def content_of(rows: pds.Dataset, identity: Sequence[str]) -> Content:
    """The content of rows by the columns that identify one.

    Hashes of rows are added up, which any order of them leaves the same (an additive multiset hash: Clarke et al. 2003,
    "Incremental multiset hash functions"). The addends are the halves of an MD5, which finds changes, not forgers.
    """
    columns = ", ".join(f"coalesce(CAST({name} AS VARCHAR), {MISSING})" for name in identity)
    with _database().cursor() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("rows", _scanned(rows, identity))
        count, *sums = connection.sql(
            "SELECT count(*), sum(CAST(hash >> 64 AS UBIGINT)), sum(CAST(hash & 18446744073709551615 AS UBIGINT)) "
            f"FROM (SELECT md5_number(concat_ws({BETWEEN}, {columns})) AS hash FROM rows)"
        ).fetchall()[0]
    return Content(count, sha256_json([count, *(str(total) for total in sums)]))


@cache
def _database() -> duckdb.DuckDBPyConnection:
    # Opening one takes longer than looking at a small day.
    return duckdb.connect(config={"autoinstall_known_extensions": False})


def _scanned(rows: pds.Dataset, identity: Sequence[str]) -> Any:
    # Few batches at a time: the scanner's own choice reads ahead as much as fits into gigabytes.
    return rows.scanner(columns=list(identity), batch_readahead=2, fragment_readahead=1).to_reader()
