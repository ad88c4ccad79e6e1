"""Landing: what waits in the database becomes log files, each row in exactly one line of one file.

First, in one transaction, waiting rows are given to a new file: its name, its day and the hash of its bytes are kept.
Then the file is written, atomically; then it is marked as done. A lander that is killed in between leaves a file that
is not done: the next one writes the same bytes under the same name.

Rows wait as long as they have no file. Nothing is claimed by numbers: in PostgreSQL a lower one may be committed later.
The day of a file is that of landing, as for every log; the lines keep the times of their acts.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, RowMapping, Table, select, update

from rl_assets.core.files import sha256_stream
from rl_assets.core.home import Home
from rl_assets.core.object_store import AnyPath, ObjectPath
from rl_assets.service.act_rows import act_of
from rl_assets.service.acts import FEEDBACK_TABLE, INTERACTION_LOG, REWARD_LOG, line_of, time_text
from rl_assets.service.database import StoreError, make_folder, open_database, sqlite_file
from rl_assets.service.lander_lock import lander_lock
from rl_assets.service.schema import acts, answers, landed_files
from rl_assets.service.store import Store

MAX_ROWS = 5_000
FETCHED_ROWS = 500
WAIT_S = 30
# Whose rows land in which format. A reward that a product logs is an act too.
SOURCES: tuple[tuple[Table, str], ...] = (
    (answers, INTERACTION_LOG),
    (answers, REWARD_LOG),
    (acts, FEEDBACK_TABLE),
    (acts, REWARD_LOG),
)


@dataclass(frozen=True)
class ServiceFile:
    """A file that rows were given to. `name` is unique, and sorts as files landed."""

    name: str
    format: str
    day: str
    rows: int
    sha256: str

    @property
    def source_file(self) -> str:
        """Its name below the landing folder."""
        return f"{self.format}/{self.day}/service-{self.name}.jsonl"

    def path(self, landing: AnyPath) -> AnyPath:
        return landing / self.source_file


def land(store: Store, home: Home, min_seconds: float = 0, wait_s: float = 0) -> list[ServiceFile]:
    """Land what waits, unless something landed within the last `min_seconds`; the files that are complete now.

    Returns nothing if another lander is at work for longer than `wait_s`. Raises StoreError: what waited still waits.
    """
    with lander_lock(store.database, home.service, wait_s) as held:
        if not held:
            return []
        landed = finish_files(store, home)
        if not _landed_within(store, min_seconds):
            for table, log_format in SOURCES:
                while file := _claim(store, table, log_format):
                    landed.append(_finish(store, home, file))
        return landed


def finish_files(store: Store, home: Home) -> list[ServiceFile]:
    """Write the files that killed landers left, and those whose rows were erased. Only for who holds the lock."""
    with store.database.read() as connection:
        query = select(landed_files).where(~landed_files.c.done).order_by(landed_files.c.name)
        unfinished = [file_of(row) for row in connection.execute(query).mappings()]
    return [_finish(store, home, file) for file in unfinished]


def file_of(row: RowMapping) -> ServiceFile:
    """The file of a row of `landed_files`."""
    return ServiceFile(row["name"], row["format"], row["day"], row["rows"], row["sha256"])


def _landed_within(store: Store, seconds: float) -> bool:
    """Whether a file landed within the last seconds. One of the future, by a clock that was wrong, holds nothing up."""
    now, claimed = store.now(), landed_files.c.claimed_at
    recent = select(claimed).where(claimed > time_text(now - timedelta(seconds=seconds)), claimed <= time_text(now))
    with store.database.read() as connection:
        return connection.execute(recent.limit(1)).first() is not None


def _claim(store: Store, table: Table, log_format: str) -> ServiceFile | None:
    """Give waiting rows to a new file; None if none waits."""
    now = store.now()
    with store.database.write() as connection:
        waiting = select(table.c.id).where(table.c.format == log_format, table.c.file.is_(None))
        some = waiting.order_by(table.c.id).limit(MAX_ROWS)
        name = f"{now:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"
        if not connection.execute(update(table).where(table.c.id.in_(some)).values(file=name)).rowcount:
            return None
        count, digest = 0, hashlib.sha256()
        for line in lines_of_file(connection, name):
            count += 1
            digest.update(line)
        file = ServiceFile(name, log_format, f"{now:%Y-%m-%d}", count, digest.hexdigest())
        connection.execute(landed_files.insert().values(**vars(file), claimed_at=time_text(now), done=False))
    return file


def lines_of_file(connection: Connection, name: str) -> Iterator[bytes]:
    """The lines of a file, in the order in which its rows came: the same bytes each time."""
    for table in (acts, answers):
        query = select(table).where(table.c.file == name).order_by(table.c.id)
        for row in connection.execute(query.execution_options(yield_per=FETCHED_ROWS)).mappings():
            yield (line_of(act_of(row)) if table is acts else row["line"]).encode("utf-8") + b"\n"


def _finish(store: Store, home: Home, file: ServiceFile) -> ServiceFile:
    """Write a file and mark it as done."""
    written = _write_file(store, home, file)
    with store.database.write() as connection:
        change = update(landed_files).where(landed_files.c.name == file.name)
        connection.execute(change.values(done=True, rows=written.rows, sha256=written.sha256))
    return written


def _write_file(store: Store, home: Home, file: ServiceFile) -> ServiceFile:
    """Write the rows of a file in place of what is there; the file with the count and hash of what it holds now."""
    with store.database.read() as connection:
        lines = list(lines_of_file(connection, file.name))
    content, path = b"".join(lines), file.path(home.landing)
    digest = hashlib.sha256(content).hexdigest()
    try:
        if _sha256_at(path) != digest:
            _write(path, content, home.service)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; its rows wait in the database") from error
    return replace(file, rows=len(lines), sha256=digest)


def _sha256_at(path: AnyPath) -> str | None:
    """Of the file that is there; None if there is none. What a killed lander has written is not touched again."""
    try:
        with path.open("rb") as file:
            return sha256_stream(file)
    except FileNotFoundError:
        return None


def _write(path: AnyPath, content: bytes, scratch: Path) -> None:
    if isinstance(path, ObjectPath):
        # With a database and a session key of their own, services have no folder in the home.
        make_folder(scratch)
        _write_part(part := scratch / ".landing.part", content)
        path.put(part)
        part.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Its name is that of the file, so that the next lander replaces what a killed one left.
    _write_part(part := path.with_name(f".{path.name}.part"), content)
    part.replace(path)
    _sync_folder(path.parent)


def _write_part(part: Path, content: bytes) -> None:
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes a new name last: a row is marked as landed only after its file outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def land_if_used(home: Home, database_url: str | None, min_seconds: float = 0) -> list[ServiceFile]:
    """Land what waits in the service of a home, as `land` does; nothing if no service was ever started there.

    It waits for another lander, so that what was acknowledged before has landed when it returns.
    """
    if database_url is None and not sqlite_file(home).is_file():
        return []
    database = open_database(database_url, home)
    try:
        return land(Store(database), home, min_seconds, WAIT_S)
    finally:
        database.close()
