"""Insert a row unless its key is there: the same statement in SQLite and PostgreSQL, safe under concurrent writers."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_absent(connection: Connection, table: Table, row: Mapping[str, Any], key: str) -> bool:
    """Whether the row is new; False if another one has its `key`, a column that is unique."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    done = connection.execute(insert(table).values(dict(row)).on_conflict_do_nothing(index_elements=[key]))
    return done.rowcount == 1
