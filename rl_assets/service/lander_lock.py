"""One lander at a time, over all workers, assets and machines; the lock of a killed one is free at once.

SQLite is used from one machine: a locked file in the home. PostgreSQL holds a lock as long as its connection lasts.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import func, select

from rl_assets.service.database import Database, StoreError

# Any number that no other program takes for a lock of this database.
LOCK_NUMBER = 0x726C5F61
POLL_S = 0.1


@contextmanager
def lander_lock(database: Database, folder: Path, wait_s: float) -> Iterator[bool]:
    """Whether the lock was taken within the time; it is held to the end of the block. Raises StoreError."""
    with _file_lock(folder / "landing.lock", wait_s) if database.is_sqlite else _server_lock(database, wait_s) as held:
        yield held


@contextmanager
def _file_lock(path: Path, wait_s: float) -> Iterator[bool]:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot lock {path}: {error.strerror}; make its folder writable") from error
    try:
        yield _retried(lambda: _try_file(file), wait_s)
    finally:
        os.close(file)


def _try_file(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _server_lock(database: Database, wait_s: float) -> Iterator[bool]:
    with database.connect() as connection:
        query = select(func.pg_try_advisory_lock(LOCK_NUMBER))
        held = _retried(lambda: bool(connection.execute(query).scalar_one()), wait_s)
        try:
            yield held
        finally:
            if held:
                connection.execute(select(func.pg_advisory_unlock(LOCK_NUMBER)))


def _retried(attempt: Callable[[], bool], wait_s: float) -> bool:
    until = monotonic() + wait_s
    while not attempt():
        if monotonic() >= until:
            return False
        sleep(POLL_S)
    return True
