"""Run `sql/<name>.sql` with named parameters on an in-memory DuckDB. There is no database file, so there is no lock."""

from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import duckdb

PACKAGE = Path(__file__).parents[1]
PACKAGED = PACKAGE / "_sql"
FOLDER = PACKAGED if PACKAGED.is_dir() else PACKAGE.parent / "sql"


@cache
def text(name: str) -> str:
    """The statement in `sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def connect(memory_limit: str = "2GB") -> duckdb.DuckDBPyConnection:
    """A fresh connection in UTC that spills to disk above `memory_limit`, fetches no extensions, knows our macros."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(Path(gettempdir()) / f"rl_assets-{uuid4().hex}"),
            "autoinstall_known_extensions": False,
            "TimeZone": "UTC",
        }
    )
    connection.execute("SET enable_progress_bar = false")
    connection.execute(text("functions"))
    return connection


def select(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> duckdb.DuckDBPyRelation:
    """The relation that `sql/<name>.sql` selects, its `$name` parameters bound."""
    return connection.sql(text(name), params=parameters or None)
