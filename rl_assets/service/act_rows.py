"""Acts as rows: written once per id and never changed. A retraction is a row too, and names the act it takes back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Select, func, select

from rl_assets.service.acts import Act, time_text
from rl_assets.service.schema import acts, landed_files
from rl_assets.service.upsert import insert_if_absent

# SQLite takes some thousand parameters in one statement.
ITEMS_PER_QUERY = 500
# For each item: its raters, each with the kinds of their acts.
Raters = dict[str, dict[str, set[str]]]
FIELDS = [acts.c[name] for name in Act.model_fields]


class JudgedMeanwhileError(ValueError):
    """The rater has judged the item by another form, which stands."""


class ConflictingActError(ValueError):
    """An act is kept under the same id with other content."""


@dataclass(frozen=True)
class Recorded:
    """What became of an act. `act` is the one that is kept under its id: of a conflict, the other one."""

    status: Literal["new", "repeated", "conflict"]
    act: Act


def insert(connection: Connection, act: Act, now: datetime) -> Recorded:
    """Keep an act unless its id is there, whoever else writes it at the same time."""
    content = act.content_sha256
    log_format = None if _takes_back_a_skip(connection, act) else act.format
    derived = {"content_sha256": content, "item": act.item, "format": log_format, "received_at": time_text(now)}
    row = {**act.model_dump(), "created_at": time_text(act.created_at), **derived}
    if insert_if_absent(connection, acts, row, "act_id"):
        return Recorded("new", act)
    kept = connection.execute(select(acts).where(acts.c.act_id == act.act_id)).mappings().one()
    return Recorded("repeated" if kept["content_sha256"] == content else "conflict", act_of(kept))


def _takes_back_a_skip(connection: Connection, act: Act) -> bool:
    """A skip never lands, so neither does its retraction."""
    skips = select(acts.c.id).where(acts.c.act_id == act.retracts, acts.c.kind == "skip")
    return act.retracts is not None and connection.execute(skips).first() is not None


def act_of(row: RowMapping) -> Act:
    """The act of a row, which was checked when it came."""
    fields: dict[str, Any] = {name: row[name] for name in Act.model_fields}
    return Act.model_construct(**{**fields, "created_at": datetime.fromisoformat(row["created_at"])})


def find(connection: Connection, act_id: str) -> Act | None:
    row = connection.execute(select(*FIELDS).where(acts.c.act_id == act_id)).mappings().one_or_none()
    return act_of(row) if row else None


def retraction_of(act: Act, retraction_id: str, now: datetime) -> Act:
    """The act that takes another one back."""
    return Act(
        act_id=retraction_id,
        kind="retraction",
        interaction_id=act.interaction_id,
        other_interaction_id=act.other_interaction_id,
        rater=act.rater,
        dimension=act.dimension,
        brand=act.brand,
        task=act.task,
        retracts=act.act_id,
        created_at=now,
    )


def standing_of(connection: Connection, rater: str, limit: int) -> list[Act]:
    query = _standing(*FIELDS).where(acts.c.rater == rater).order_by(acts.c.id.desc()).limit(limit)
    return [act_of(row) for row in connection.execute(query).mappings()]


def of_form(connection: Connection, rater: str, form: str, standing: bool) -> list[Act]:
    mine = (
        (acts.c.rater == rater) & (acts.c.kind != "retraction") & acts.c.act_id.startswith(f"{form}-", autoescape=True)
    )
    query = _standing(*FIELDS) if standing else select(*FIELDS)
    return [act_of(row) for row in connection.execute(query.where(mine).order_by(acts.c.id)).mappings()]


def lock_rater(connection: Connection, rater: str) -> None:
    """Let one transaction at a time write for a rater. SQLite lets one write at all."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(rater))))


def newest(connection: Connection) -> int:
    number: int = connection.execute(select(func.coalesce(func.max(acts.c.id), 0))).scalar_one()
    return number


def count_since(connection: Connection, rater: str, moment: datetime) -> int:
    query = select(func.count()).where(acts.c.rater == rater, acts.c.received_at > time_text(moment))
    return connection.execute(query).scalar_one()


def standing_by_item(connection: Connection, items: Iterable[str] | None) -> dict[str, list[Act]]:
    query = _standing(*FIELDS).where(acts.c.kind != "skip").order_by(acts.c.id)
    queries = [query] if items is None else [query.where(acts.c.item.in_(part)) for part in parts(items)]
    found: dict[str, list[Act]] = defaultdict(list)
    for one in queries:
        for row in connection.execute(one).mappings():
            act = act_of(row)
            found[act.item].append(act)
    return dict(found)


def standing_since(connection: Connection, day: str) -> list[Act]:
    """Acts that stand and have not landed by the end of a day, oldest first."""
    later = select(landed_files.c.name).where(landed_files.c.day > day)
    waiting = acts.c.file.is_(None) | acts.c.file.in_(later)
    rows = connection.execute(_standing(*FIELDS).where(waiting).order_by(acts.c.id)).mappings()
    return [act_of(row) for row in rows]


def raters_query() -> Select[Any]:
    """Rows of item, rater and kind: the acts of people that stand."""
    by_people = acts.c.rater.is_not(None) & (acts.c.kind != "reward")
    return _standing(acts.c.item, acts.c.rater, acts.c.kind).where(by_people).distinct()


def raters_by_item(connection: Connection, items: Iterable[str] | None) -> Raters:
    query = raters_query()
    queries = [query] if items is None else [query.where(acts.c.item.in_(part)) for part in parts(items)]
    raters: defaultdict[str, dict[str, set[str]]] = defaultdict(dict)
    for one in queries:
        for item, rater, kind in connection.execute(one):
            raters[item].setdefault(rater, set()).add(kind)
    return dict(raters)


def items_after(connection: Connection, number: int) -> set[str]:
    return set(connection.execute(select(acts.c.item).where(acts.c.id > number)).scalars())


def skips_by_rater(connection: Connection, brand: str | None) -> dict[str, int]:
    query = _standing(acts.c.rater, func.count().label("skips")).where(acts.c.kind == "skip", acts.c.rater.is_not(None))
    query = query if brand is None else query.where(acts.c.brand == brand)
    return {row.rater: row.skips for row in connection.execute(query.group_by(acts.c.rater))}


def counts(connection: Connection) -> dict[str, int]:
    waiting = acts.c.format.is_not(None) & acts.c.file.is_(None)
    total, unlanded = connection.execute(select(func.count(), func.count().filter(waiting)).select_from(acts)).one()
    return {"acts": total, "acts_waiting": unlanded}


def _standing(*columns: Any) -> Select[Any]:
    """Acts that nobody took back."""
    retractions = acts.alias("retractions")
    # Both name the rater: nobody takes back what somebody else said.
    is_retracted = (
        select(retractions.c.id)
        .where(retractions.c.retracts == acts.c.act_id, retractions.c.rater == acts.c.rater)
        .exists()
    )
    return select(*columns).where(acts.c.kind != "retraction", ~is_retracted)


def parts(items: Iterable[str]) -> Iterator[list[str]]:
    """The items, as many at a time as one statement takes."""
    listed = list(items)
    for start in range(0, len(listed), ITEMS_PER_QUERY):
        yield listed[start : start + ITEMS_PER_QUERY]
