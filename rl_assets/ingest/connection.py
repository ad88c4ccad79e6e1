"""The DuckDB connection that log formats are read on: the macros of lines, and the functions that only Python has."""

from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.ingest.strict_json import duplicate_key, json_error
from rl_assets.ingest.times import unix_microseconds
from rl_assets.ingest.vendor_messages import chat_turns, messages_error

Function = Callable[[str], str | int | None]
SPECIAL: Any = "special"  # handling of NULL: only then may a result be NULL
# SQL asks these of odd lines and odd values only: a call costs microseconds.
FUNCTIONS: list[tuple[Function, str]] = [
    (json_error, "VARCHAR"),
    (duplicate_key, "VARCHAR"),
    (unix_microseconds, "BIGINT"),
    (chat_turns, "VARCHAR"),
    (messages_error, "VARCHAR"),
]


def connect_for_lines(memory_limit: str = "2GB") -> duckdb.DuckDBPyConnection:
    """A fresh connection with all macros of log formats."""
    connection = sql.connect(memory_limit, ())
    for function, returned in FUNCTIONS:
        asked = partial(_unless_null, function)
        connection.create_function(function.__name__, asked, ["VARCHAR"], returned, null_handling=SPECIAL)
    sql.create_macros(connection, sql.MACROS + sql.MACROS_OF_LINES)
    return connection


def _unless_null(function: Function, text: str | None) -> str | int | None:
    return None if text is None else function(text)
