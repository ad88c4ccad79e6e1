"""Views of days of a lake table on a DuckDB connection, at the speed at which DuckDB reads Parquet files.

Files of a local lake are read by DuckDB itself, in a third of the time that rows take through Arrow; those of an object
store go through Arrow, since DuckDB would have to download an extension.
"""

from collections.abc import Iterable
from datetime import date
from glob import escape
from urllib.parse import unquote

import duckdb

from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table


def register_view(
    connection: duckdb.DuckDBPyConnection, name: str, lake: Lake, table: Table, days: Iterable[date | str]
) -> None:
    """Create the view `name` of the rows of `days`, with the table's columns; files of other days are never opened."""
    wanted = sorted({str(day) for day in days})
    files = _local_files(lake, table, wanted)
    if not files and "://" in lake.url:
        connection.register(name, lake.read(table, wanted))
        return
    empty = connection.from_arrow(table.schema.empty_table())
    kinds = list(zip(empty.columns, empty.types, strict=True))
    if not files:
        # From this statement DuckDB knows that there are no rows, and skips all joins with them.
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in kinds)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {nulls} WHERE false")
        return
    names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    parquet = f"read_parquet([{names}], hive_partitioning=true, hive_types_autocast=false, union_by_name=true)"
    written = set(connection.sql(f"FROM {parquet}").columns)
    # A column that is newer than the files is null in them.
    columns = ", ".join(
        f"CAST({column if column in written else 'NULL'} AS {kind}) AS {column}" for column, kind in kinds
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM {parquet}")


def _local_files(lake: Lake, table: Table, wanted: list[str]) -> list[str]:
    delta = None if "://" in lake.url or not wanted else lake.open(table)
    files = delta.file_uris(file_pruning_predicate=[(table.partition, "in", wanted)]) if delta else []
    # Delta quotes file names as in a URL, and DuckDB reads them as patterns.
    return [escape(unquote(file)) for file in files]
