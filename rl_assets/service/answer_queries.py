"""Landed answers, the newest first, a page at a time."""

import base64
import binascii
import json
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rl_assets.core import sql
from rl_assets.service.acts import unstorable
from rl_assets.service.errors import ServiceError
from rl_assets.service.lake_reads import LakeReads

# No log holds times beyond; within, days can be added and zones changed.
YEARS = (1900, 2200)


def _in_utc(moment: datetime) -> datetime:
    """A time without a zone is UTC, as in every log format. Raises ValueError for a year that no log has."""
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise ValueError(f"use a year from {YEARS[0]} to {YEARS[1]}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class AnswerQuery(BaseModel):
    """Which answers; times are those of the answers, the end excluded. `cursor` is `next` of the page before."""

    model_config = ConfigDict(extra="forbid")

    start_time: Moment | None = None
    end_time: Moment | None = None
    agent_type: str | None = None
    high_quality_only: bool = Field(False, strict=True)
    limit: int = Field(100, ge=1, le=1000, strict=True)
    cursor: str | None = None


def query_answers(reads: LakeReads, query: AnswerQuery, brand: str | None) -> dict[str, Any]:
    """A page of answers. Logs land up to a day after they are written, and are searched that far."""
    before, before_id = _position(query.cursor)
    with reads.landed(_day(query.start_time, -1), None) as connection:
        rows = (
            sql.select(
                connection,
                "service/queried_answers",
                since=query.start_time,
                until=query.end_time,
                agent=query.agent_type,
                brand=brand,
                good=query.high_quality_only,
                before=before,
                before_id=before_id,
                rows=query.limit + 1,
            )
            .to_arrow_table()
            .to_pylist()
        )
    page = rows[: query.limit]
    following = _cursor(page[-1]) if len(rows) > query.limit else None
    as_of = reads.landed_day()
    return {
        "interactions": [_shown(row) for row in page],
        "count": len(page),
        "next": following,
        "as_of": str(as_of) if as_of else None,
    }


def _day(moment: datetime | None, days: int) -> date | None:
    return (moment + timedelta(days=days)).date() if moment else None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "interaction_id": row["interaction_id"],
        "timestamp": row["answered_at"].astimezone(UTC).isoformat(),
        "query": row["query"],
        "answer": row["answer"],
        "agent_type": row["agent"],
        "quality_scores": dict(row["quality_scores"] or ()),
        "latency_ms": row["latency_ms"],
    }


def _cursor(row: dict[str, Any]) -> str:
    position = [row["answered_at"].astimezone(UTC).isoformat(), row["interaction_id"]]
    return base64.urlsafe_b64encode(json.dumps(position).encode("utf-8")).decode("ascii")


def _position(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    try:
        time, interaction_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if not isinstance(interaction_id, str) or unstorable(interaction_id):
            raise ValueError(interaction_id)
        return _in_utc(datetime.fromisoformat(time)), interaction_id
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise ServiceError(422, "cursor is not the `next` of an earlier reply", "cursor") from None
