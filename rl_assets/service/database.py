"""The database of the service: SQLite in the home, or PostgreSQL. Connections, transactions, and failures as sentences.

SQLite is opened with a write-ahead log and `synchronous=FULL`: what is committed outlives a killed process and a power
cut. Every write begins as a write, so that two of them wait for each other and never fail half-way.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from rl_assets.core.home import Home
from rl_assets.service.schema import metadata

BUSY_MS = 30_000
# A server that does not answer is reported within 2 s.
SERVER_OPTIONS = {"connect_timeout": 2, "tcp_user_timeout": 2000, "options": "-c TimeZone=UTC"}
POOL_SIZE = 20
# SQLAlchemy reads plain `postgresql` as another driver than the one that comes with dagster-postgres.
DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
SERVER_DISK_FULL = "53100"


class StoreError(OSError):
    """The service's database cannot be used; nothing of the request was kept."""


class DatabaseAwayError(StoreError):
    """The database does not answer, or cannot be opened."""


class DiskFullError(StoreError):
    """There is no room for a row."""


class Database:
    """An engine on a URL; `write` and `read` give a connection in a transaction of its own."""

    def __init__(self, url: sqlalchemy.URL) -> None:
        self.url = url

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """As it may be shown: without its password."""
        return self.url.render_as_string(hide_password=True)

    @cached_property
    def engine(self) -> Engine:
        if self.is_sqlite:
            return _sqlite_engine(self.url)
        return sqlalchemy.create_engine(
            self.url, connect_args=SERVER_OPTIONS, pool_size=POOL_SIZE, pool_timeout=2, pool_pre_ping=True
        )

    def create(self) -> None:
        """Make the tables and indexes that are missing. Raises StoreError if the database cannot be used."""
        if self.is_sqlite and self.url.database:
            make_folder(Path(self.url.database).parent)
        with self.write() as connection:
            metadata.create_all(connection)
            for index in (index for table in metadata.sorted_tables for index in table.indexes):
                index.create(connection, checkfirst=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block. Raises StoreError; then nothing is kept."""
        with self._failures_as_sentences(), self.engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises StoreError."""
        with self._failures_as_sentences(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection whose statements are committed one by one, for locks that outlive transactions."""
        with self._failures_as_sentences(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def _failures_as_sentences(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise DatabaseAwayError(f"all {POOL_SIZE} connections to {self.name} are busy: try again") from error
        except SQLAlchemyError as error:
            raise _failure(error, self.name) from error

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()


def open_database(url: str | None, home: Home) -> Database:
    """The database of the setting, or the home's; its tables are made. Raises StoreError."""
    database = Database(_parsed(url) if url else sqlalchemy.URL.create("sqlite", database=str(sqlite_file(home))))
    database.create()
    return database


def sqlite_file(home: Home) -> Path:
    """The database of a home whose settings name none."""
    return home.service / "service.db"


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner enters. Raises StoreError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder}: {error.strerror}; set RL_ASSETS_HOME to another") from error


def _parsed(url: str) -> sqlalchemy.URL:
    try:
        parsed = sqlalchemy.make_url(url)
    except SQLAlchemyError:
        # Its text may be a password.
        raise StoreError("RL_ASSETS_SERVICE_DATABASE is no URL like postgresql://user@host/name") from None
    parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"RL_ASSETS_SERVICE_DATABASE is of {parsed.drivername}: use postgresql:// or sqlite:///")
    return parsed


def _sqlite_engine(url: sqlalchemy.URL) -> Engine:
    engine = sqlalchemy.create_engine(url, pool_size=POOL_SIZE, connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: Any) -> None:
        # Transactions are begun below, not by the driver, which would begin them as reads.
        connection.isolation_level = None
        for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _failure(error: SQLAlchemyError, name: str) -> StoreError:
    cause = getattr(error, "orig", None)
    reason = str(cause or error).strip().splitlines()[0]
    code = getattr(cause, "sqlite_errorcode", None)
    if getattr(cause, "pgcode", None) == SERVER_DISK_FULL or (code is not None and code & 0xFF == sqlite3.SQLITE_FULL):
        return DiskFullError(f"the disk of {name} is full: nothing was kept; free some space")
    if isinstance(error, DBAPIError) and code is not None and code & 0xFF == sqlite3.SQLITE_READONLY:
        return DatabaseAwayError(f"{name} may not be written by this user: nothing was kept; change its owner or mode")
    return DatabaseAwayError(f"the database {name} cannot be used: {reason}")
