"""Run the statements in `sql/` with named parameters on an in-memory DuckDB.

A statement is named by its path: `datasets/sft/rows` is `sql/datasets/sft/rows.sql`. There is no database file, so
there is no lock.
"""

from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import duckdb

from rl_assets.core.blank import RE2_CLASS, RE2_THOUGHTS

PACKAGE = Path(__file__).parents[1]
PACKAGED = PACKAGE / "_sql"
FOLDER = PACKAGED if PACKAGED.is_dir() else PACKAGE.parent / "sql"
# Files in `sql/macros`; later ones use earlier ones.
MACROS = ("text", "metrics", "datasets", "routing")
MACROS_OF_LINES = ("json", "problems", "types", "records")  # Beside MACROS, of the log formats only.


@cache
def text(name: str) -> str:
    """The statement in `sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def connect(memory_limit: str = "2GB", macros: tuple[str, ...] = MACROS) -> duckdb.DuckDBPyConnection:
    """A fresh connection in UTC that spills to disk above `memory_limit`, fetches no extensions, knows `macros`."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(Path(gettempdir()) / f"rl_assets-{uuid4().hex}"),
            "autoinstall_known_extensions": False,
            "TimeZone": "UTC",
        }
    )
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"CREATE OR REPLACE MACRO blank_characters() AS '{RE2_CLASS}'")
    connection.execute(f"CREATE OR REPLACE MACRO thoughts() AS '{RE2_THOUGHTS}'")
    create_macros(connection, macros)
    return connection


def create_macros(connection: duckdb.DuckDBPyConnection, macros: tuple[str, ...]) -> None:
    """Create the macros in `sql/macros/<name>.sql`."""
    for name in macros:
        for statement in _parsed(f"macros/{name}"):
            connection.execute(statement)


@cache
def _parsed(name: str) -> list[duckdb.Statement]:
    """The statements in `sql/<name>.sql`: parsing them takes longer than all else that they do."""
    return duckdb.extract_statements(text(name))


def select(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> duckdb.DuckDBPyRelation:
    """The relation that `sql/<name>.sql` selects, its `$name` parameters bound."""
    return connection.sql(text(name), params=parameters or None)


def create_table(connection: duckdb.DuckDBPyConnection, table: str, name: str, **parameters: Any) -> None:
    """Create or replace the table `table` of what `sql/<name>.sql` selects; cursors of the connection share it."""
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {text(name)}", parameters or None)


def create_temporary(connection: duckdb.DuckDBPyConnection, table: str, name: str, **parameters: Any) -> None:
    """Create or replace the temporary table `table`, which cursors of the connection do not see."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {text(name)}", parameters or None)


def create_view(connection: duckdb.DuckDBPyConnection, view: str, name: str) -> None:
    """Create or replace the temporary view `view` of what `sql/<name>.sql` selects."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {text(name)}")
