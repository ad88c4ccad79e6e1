"""Answers that products log through the service: lines of a log format, each kept once per id."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from rl_assets.core.files import sha256_text
from rl_assets.service.act_rows import parts
from rl_assets.service.acts import INTERACTION_LOG, time_text
from rl_assets.service.schema import answers
from rl_assets.service.upsert import insert_if_absent


@dataclass(frozen=True)
class Answer:
    """A line of a log format, without a line break. `user_id` is the one in the line: erasure finds it by that."""

    interaction_id: str
    line: str
    user_id: str | None = None
    format: str = INTERACTION_LOG

    @property
    def content_sha256(self) -> str:
        return sha256_text(self.line)


@dataclass(frozen=True)
class RecordedAnswer:
    """What became of a logged answer: of a `conflict`, the first line under its id is kept."""

    interaction_id: str
    status: Literal["new", "repeated", "conflict"]


def insert(connection: Connection, answer: Answer, now: datetime) -> RecordedAnswer:
    """Keep an answer unless its id is there."""
    content = answer.content_sha256
    row = {
        "interaction_id": answer.interaction_id,
        "content_sha256": content,
        "line": answer.line,
        "user_id": answer.user_id,
        "format": answer.format,
        "received_at": time_text(now),
    }
    if insert_if_absent(connection, answers, row, "interaction_id"):
        return RecordedAnswer(answer.interaction_id, "new")
    kept = select(answers.c.content_sha256).where(answers.c.interaction_id == answer.interaction_id)
    same = connection.execute(kept).scalar_one() == content
    return RecordedAnswer(answer.interaction_id, "repeated" if same else "conflict")


def find_all(connection: Connection, interaction_ids: Iterable[str]) -> list[Answer]:
    """The kept answers among these ids."""
    columns = [answers.c[name] for name in ("interaction_id", "line", "user_id", "format")]
    queries = (select(*columns).where(answers.c.interaction_id.in_(part)) for part in parts(sorted(interaction_ids)))
    return [Answer(**row) for query in queries for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    waiting = func.count().filter(answers.c.file.is_(None))
    total, unlanded = connection.execute(select(func.count(), waiting).select_from(answers)).one()
    return {"answers": total, "answers_waiting": unlanded}
