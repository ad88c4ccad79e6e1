"""Erasing users and answers from the service: its rows, the log files that it landed, and the bytes of its database.

The service keeps raw ids, which the ingestion hashes; erasure knows users by those hashes. Run it after the tombstones
of the lake are published: a line that lands meanwhile is kept out by them. A killed erasure is completed by the next.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, select, text, update

from rl_assets.core.home import Home
from rl_assets.core.object_store import ObjectPath
from rl_assets.ingest.parsers import identifier
from rl_assets.lake.tombstones import Erased, hash_user
from rl_assets.service.database import BUSY_MS, Database, StoreError, open_database, sqlite_file
from rl_assets.service.lander_lock import lander_lock
from rl_assets.service.landing import ServiceFile, file_of, finish_files
from rl_assets.service.schema import acts, answers, invites, landed_files, leases, raters
from rl_assets.service.store import Store

WAIT_S = 60
IDS_PER_QUERY = 500
PEOPLE = (raters, invites, leases)
Found = dict[Table, list[Any]]


@dataclass(frozen=True)
class ServiceErasure:
    """Rows that are erased, by table of the service, and the log files that it landed with some of them."""

    rows: dict[str, int]
    files: tuple[str, ...] = ()


def erase_from_service(
    home: Home, database_url: str | None, order: Erased, user_key: bytes, dry_run: bool = False
) -> ServiceErasure:
    """Erase, or with `dry_run` only count, what the service of a home holds of users and answers.

    Nothing if no service was ever started there. Raises StoreError if the database cannot be used, or is in use for too
    long: it is safe to erase again.
    """
    if database_url is None and not sqlite_file(home).is_file():
        return ServiceErasure({})
    database = open_database(database_url, home)
    try:
        with lander_lock(database, home.service, WAIT_S) as held:
            if not held:
                raise StoreError(f"rows of {database.name} are landing for over {WAIT_S} s: erase again later")
            return _erase(Store(database), home, order, user_key, dry_run)
    finally:
        database.close()


def _erase(store: Store, home: Home, order: Erased, user_key: bytes, dry_run: bool) -> ServiceErasure:
    with store.database.write() as connection:
        found = _find(connection, order, user_key)
        files = _files_of(connection, found)
        if not dry_run:
            _delete(connection, found)
            _open_again(connection, [file for file in files if _is_there(home, file)])
    if not dry_run:
        finish_files(store, home)
        _compact(store.database)
    rows = {table.name: len(ids) for table, ids in found.items() if ids}
    return ServiceErasure(rows, tuple(file.source_file for file in files))


def _find(connection: Connection, order: Erased, user_key: bytes) -> Found:
    """The primary keys of the rows of each table."""
    users = {user for user in _users(connection) if hash_user(_as_ingested(user), user_key) in order.users}
    logged = connection.execute(select(answers.c.id, answers.c.interaction_id, answers.c.user_id)).all()
    erased_answers = [
        row for row in logged if row.user_id in users or _as_ingested(row.interaction_id) in order.interactions
    ]
    # Acts on an answer of the erased quote it, whoever they are of.
    interactions = order.interactions | {_as_ingested(row.interaction_id) for row in erased_answers}
    columns = (acts.c.id, acts.c.rater, acts.c.interaction_id, acts.c.other_interaction_id)
    erased_acts = [
        row.id
        for row in connection.execute(select(*columns))
        if row.rater in users
        or _as_ingested(row.interaction_id) in interactions
        or _as_ingested(row.other_interaction_id or "") in interactions
    ]
    found: Found = {acts: erased_acts, answers: [row.id for row in erased_answers]}
    for table in PEOPLE:
        rows = connection.execute(select(*table.primary_key.columns, table.c.rater.label("erased_rater")))
        found[table] = [row[0] for row in rows if row.erased_rater in users]
    return found


def _as_ingested(name: str) -> str:
    """An id as the lake has it, without blank ends and the `.0` of a data frame; erasure knows no other."""
    return identifier({"id": name}, "id") or ""


def _users(connection: Connection) -> set[str]:
    """Every user and rater that the service knows, by the id that their log has."""
    columns = (acts.c.rater, answers.c.user_id, *(table.c.rater for table in PEOPLE))
    return {user for column in columns for user in connection.execute(select(column).distinct()).scalars() if user}


def _files_of(connection: Connection, found: Found) -> list[ServiceFile]:
    """The files that hold lines of the rows."""
    names: set[str] = set()
    for table in (acts, answers):
        for part in _parts(found[table]):
            query = select(table.c.file).where(table.c.id.in_(part), table.c.file.is_not(None)).distinct()
            names.update(connection.execute(query).scalars())
    rows = connection.execute(select(landed_files).order_by(landed_files.c.name)).mappings()
    return [file_of(row) for row in rows if row["name"] in names]


def _delete(connection: Connection, found: Found) -> None:
    for table, ids in found.items():
        (column,) = table.primary_key.columns
        for part in _parts(ids):
            connection.execute(delete(table).where(column.in_(part)))


def _open_again(connection: Connection, files: list[ServiceFile]) -> None:
    """Files that are not done are written again, by whoever lands next if this process is killed."""
    for part in _parts([file.name for file in files]):
        connection.execute(update(landed_files).where(landed_files.c.name.in_(part)).values(done=False))


def _is_there(home: Home, file: ServiceFile) -> bool:
    """A file that somebody archived is not brought back."""
    path = file.path(home.landing)
    if not isinstance(path, ObjectPath):
        return path.is_file()
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _compact(database: Database) -> None:
    """Write the database anew, so that no byte of a deleted row is left in its files."""
    if not database.is_sqlite:
        with database.connect() as connection:
            for table in (acts, answers, *PEOPLE):
                connection.execute(text(f"VACUUM FULL {table.name}"))
        return
    try:
        with closing(sqlite3.connect(str(database.url.database), BUSY_MS / 1000, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"cannot compact {database.name}: {error}; erase again") from error
    if is_busy:
        raise StoreError(f"{database.name} is in use, and its write-ahead log keeps erased rows: erase again")


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), IDS_PER_QUERY):
        yield values[start : start + IDS_PER_QUERY]
