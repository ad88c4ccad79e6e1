"""Insert a row unless its key is there: the same statement in SQLite and PostgreSQL, safe under concurrent writers."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_absent(connection: Connection, table: Table, row: Mapping[str, Any], key: str) -> bool:
    """Whether the row is new; False if another one has its `key`, a column that is unique."""
    return connection.execute(_statement(connection.dialect.name, table, key), dict(row)).rowcount == 1


@cache
def _statement(dialect: str, table: Table, key: str) -> Insert:
    """Made once: to build and compare it takes SQLAlchemy longer than to run it."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing(index_elements=[key])
