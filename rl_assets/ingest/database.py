"""Feedback in a database: the rows of a day become a landing file of `feedback_table`, once.

From then on the day is read from that file, so that it gives the same rows again whatever the database does. A row that
appears in a day that has landed belongs to the next day that lands: it was not known before.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from rl_assets.core.object_store import AnyPath, ObjectPath

FORMAT = "feedback_table"
BATCH_ROWS = 2_000
QUERY = "SELECT * FROM feedback WHERE created_at >= :day AND created_at < :next_day"
# SQLAlchemy reads plain `postgresql` as another driver than the one that comes with dagster-postgres.
DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}


class DatabaseError(OSError):
    """Feedback could not be read from its database; nothing landed, and the day keeps what it had."""


@dataclass(frozen=True)
class Database:
    """An SQLAlchemy URL, and a SELECT of the columns of `feedback_table` from `:day` (a text, YYYY-MM-DD) up to, not
    including, `:next_day`. Days up to `late_days` before are queried again for late rows."""

    url: str
    query: str = QUERY
    late_days: int = 7

    def __repr__(self) -> str:
        return f"Database({self.engine_url.render_as_string(hide_password=True)})"

    @property
    def engine_url(self) -> sqlalchemy.URL:
        """The URL with an installed driver. Raises DatabaseError if it is none."""
        try:
            url = sqlalchemy.make_url(self.url)
        except SQLAlchemyError:
            # Its text may be a password.
            raise DatabaseError("RL_ASSETS_FEEDBACK_DATABASE is no URL like postgresql://user@host/name") from None
        return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def land_feedback(landing: AnyPath, database: Database, day: date) -> int:
    """Land the rows of `day` from the database unless it has landed, with late rows of earlier days; their number.

    Raises DatabaseError if the database cannot be read.
    """
    if isinstance(landing, ObjectPath):
        raise DatabaseError(
            f"feedback from a database cannot land in {landing}, only in a folder: unset one of the two"
        )
    own = _file(landing, day, day)
    if own.exists():
        return 0
    late = [before for i in range(database.late_days, 0, -1) if _landed(landing, before := day - timedelta(days=i))]
    # The file of the day itself is last: without it the day has not landed, and starts again.
    return sum(_land_rows(landing, database, rows_of, day) for rows_of in [*late, day])


def _land_rows(landing: Path, database: Database, rows_of: date, day: date) -> int:
    target = _file(landing, rows_of, day)
    # The target is rewritten completely if a run was killed after it.
    known = _digests(path for path in _landed(landing, rows_of) if path != target)
    lines = (line for line in _lines(database, rows_of) if _digest(line) not in known)
    return _write(target, lines, even_if_empty=rows_of == day)


def _file(landing: Path, rows_of: date, day: date) -> Path:
    """The file under `day` with rows that the database dates `rows_of`."""
    name = "database.jsonl" if rows_of == day else f"database-late-of-{rows_of}.jsonl"
    return landing / FORMAT / str(day) / name


def _landed(landing: Path, rows_of: date) -> list[Path]:
    """Every file with rows of that day; none before the day itself has landed."""
    own = _file(landing, rows_of, rows_of)
    return [own, *sorted((landing / FORMAT).glob(f"*/database-late-of-{rows_of}.jsonl"))] if own.exists() else []


def _digests(files: Iterable[Path]) -> set[bytes]:
    digests: set[bytes] = set()
    for path in files:
        with path.open("rb") as file:
            digests.update(map(_digest, file))
    return digests


def _digest(line: bytes) -> bytes:
    return sha256(line).digest()[:16]


def _lines(database: Database, day: date) -> Iterator[bytes]:
    """The rows of a day as lines of JSON, fetched in batches."""
    url = database.engine_url
    options = {"options": "-c TimeZone=UTC"} if url.get_backend_name() == "postgresql" else {}
    span = {"day": str(day), "next_day": str(day + timedelta(days=1))}
    try:
        engine = sqlalchemy.create_engine(url, connect_args=options, poolclass=sqlalchemy.NullPool)
        with engine.connect().execution_options(stream_results=True, yield_per=BATCH_ROWS) as connection:
            for row in connection.execute(sqlalchemy.text(database.query), span).mappings():
                yield json.dumps(dict(row), ensure_ascii=False, default=_as_text).encode("utf-8") + b"\n"
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DatabaseError(
            f"cannot read the feedback of {day} from {database}: {reason}; check RL_ASSETS_FEEDBACK_DATABASE and "
            "RL_ASSETS_FEEDBACK_QUERY, then run the day again"
        ) from error


def _as_text(value: Any) -> str:
    """Times in ISO 8601; exact numbers and UUIDs as they are written."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise DatabaseError(f"a column holds {type(value).__name__}, which JSON cannot hold: cast it to text in the query")


def _write(path: Path, lines: Iterable[bytes], even_if_empty: bool) -> int:
    """Write a file atomically; its number of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    count = 0
    try:
        with part.open("wb") as file:
            for line in lines:
                file.write(line)
                count += 1
            file.flush()
            os.fsync(file.fileno())
        if count or even_if_empty:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count
