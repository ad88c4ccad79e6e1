"""Leases: an item is given to one rater at a time, for some minutes."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from rl_assets.service.acts import time_text
from rl_assets.service.schema import leases
from rl_assets.service.upsert import insert_if_absent


def take(connection: Connection, item: str, rater: str, now: datetime, minutes: float) -> bool:
    """Whether the rater has the item now: it was free, expired, or theirs, whose lease is extended."""
    expires = time_text(now + timedelta(minutes=minutes))
    if insert_if_absent(connection, leases, {"item": item, "rater": rater, "expires_at": expires}, "item"):
        return True
    is_free = (leases.c.rater == rater) | (leases.c.expires_at <= time_text(now))
    change = update(leases).where(leases.c.item == item, is_free).values(rater=rater, expires_at=expires)
    return connection.execute(change).rowcount == 1


def of_others(connection: Connection, rater: str, now: datetime) -> set[str]:
    query = select(leases.c.item).where(leases.c.rater != rater, leases.c.expires_at > time_text(now))
    return set(connection.execute(query).scalars())


def of_rater(connection: Connection, rater: str, now: datetime) -> set[str]:
    query = select(leases.c.item).where(leases.c.rater == rater, leases.c.expires_at > time_text(now))
    return set(connection.execute(query).scalars())


def release(connection: Connection, item: str, rater: str) -> None:
    connection.execute(delete(leases).where(leases.c.item == item, leases.c.rater == rater))
