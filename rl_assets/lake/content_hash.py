"""The content of rows as one hash, independent of their order; streamed, so that memory does not grow with rows."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow.dataset as pds

from rl_assets.core.files import sha256_json

MISSING, BETWEEN = (
    "chr(29)",
    "chr(31)",
)  # Unlike any text: null differs from an empty text, and columns from each other.


class Content(NamedTuple):
    """The number of rows, and the hex sha256 of their content."""

    rows: int
    sha256: str


def hash_content(rows: pds.Dataset, identity: Sequence[str]) -> Content:
    """The content of rows by their identity columns.

    Hashes of rows are added up, so that their order does not matter (an additive multiset hash: Clarke et al. 2003,
    "Incremental multiset hash functions"). The addends are the halves of an MD5, which detects changes, not forgeries.
    """
    columns = ", ".join(f"coalesce(CAST({name} AS VARCHAR), {MISSING})" for name in identity)
    with _database().cursor() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("rows", _scan(rows, identity))
        count, *sums = connection.sql(
            "SELECT count(*), sum(CAST(hash >> 64 AS UBIGINT)), sum(CAST(hash & 18446744073709551615 AS UBIGINT)) "
            f"FROM (SELECT md5_number(concat_ws({BETWEEN}, {columns})) AS hash FROM rows)"
        ).fetchall()[0]
    return Content(count, sha256_json([count, *(str(total) for total in sums)]))


@cache
def _database() -> duckdb.DuckDBPyConnection:
    # Opening one takes longer than hashing a small day.
    return duckdb.connect(config={"autoinstall_known_extensions": False})


def _scan(rows: pds.Dataset, identity: Sequence[str]) -> Any:
    # Few batches at a time: by default the scanner reads ahead gigabytes.
    return rows.scanner(columns=list(identity), batch_readahead=2, fragment_readahead=1).to_reader()
