"""Raters and the invitations that let them in. The secret of an invitation is shown once; its hash is kept."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select, update

from rl_assets.core.files import sha256_text
from rl_assets.ingest.parsers import is_missing
from rl_assets.service.acts import time_text, unstorable
from rl_assets.service.schema import invites, raters
from rl_assets.service.upsert import insert_if_absent

TOKEN_BYTES = 24


@dataclass(frozen=True)
class Rater:
    """A person who judges answers: of one `brand`, or of all if None. `rater` is the id under which acts land.

    Sessions that began before `since`, when the person was last let in anew, are over.
    """

    rater: str
    brand: str | None = None
    admin: bool = False
    since: str = field(default="", compare=False)


@dataclass(frozen=True)
class Invite:
    """An invitation without its secret; `invite_id` is a prefix of the secret's hash."""

    invite_id: str
    rater: str
    brand: str | None
    admin: bool
    expires_at: str
    used_at: str | None
    revoked: bool


def add_invite(connection: Connection, rater: str, brand: str | None, admin: bool, now: datetime, days: float) -> str:
    """A new rater, or an invitation more for one; the secret. Raises ValueError for a name that ingestion reads as
    none."""
    if is_missing(rater) or unstorable(rater):
        raise ValueError(f"{rater!r} names nobody: tables write a missing value so; choose another name")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"rater": rater, "brand": brand, "admin": admin}
    if not insert_if_absent(connection, raters, {**row, "created_at": time_text(now)}, "rater"):
        is_out = find(connection, rater) is None
        new = {"brand": brand, "admin": admin, **({"created_at": time_text(now)} if is_out else {})}
        connection.execute(update(raters).where(raters.c.rater == rater).values(new))
    expires = time_text(now + timedelta(days=days))
    invite = {**row, "token_sha256": sha256_text(token), "expires_at": expires, "revoked": False}
    connection.execute(invites.insert().values(invite))
    return token


def invited_by(connection: Connection, token: str, now: datetime) -> Rater | None:
    """The rater whose invitation it is, which is not used by this; None if it is unknown, revoked or expired."""
    valid = (invites.c.token_sha256 == sha256_text(token)) & ~invites.c.revoked
    row = connection.execute(select(invites.c.rater).where(valid, invites.c.expires_at > time_text(now))).one_or_none()
    return find(connection, row.rater) if row else None


def use_invite(connection: Connection, token: str, now: datetime) -> Rater | None:
    """The rater, whose first use is noted. It works until it expires: sessions are shorter than invitations."""
    rater = invited_by(connection, token, now)
    if rater is not None:
        first = (invites.c.token_sha256 == sha256_text(token)) & invites.c.used_at.is_(None)
        connection.execute(update(invites).where(first).values(used_at=time_text(now)))
    return rater


def find(connection: Connection, rater: str) -> Rater | None:
    """The rater; None if there is none, or if all invitations of theirs are revoked: that ends their sessions."""
    is_invited = select(invites.c.rater).where(invites.c.rater == rater, ~invites.c.revoked).exists()
    row = connection.execute(select(raters).where(raters.c.rater == rater, is_invited)).mappings().one_or_none()
    return _rater(row) if row else None


def all_raters(connection: Connection) -> list[Rater]:
    return [_rater(row) for row in connection.execute(select(raters).order_by(raters.c.rater)).mappings()]


def all_invites(connection: Connection) -> list[Invite]:
    rows = connection.execute(select(invites).order_by(invites.c.expires_at.desc())).mappings()
    names = ("rater", "brand", "admin", "expires_at", "used_at", "revoked")
    return [Invite(row["token_sha256"][:12], **{name: row[name] for name in names}) for row in rows]


def revoke_invite(connection: Connection, invite_id: str) -> bool:
    prefix = invites.c.token_sha256.startswith(invite_id, autoescape=True)
    return connection.execute(update(invites).where(prefix).values(revoked=True)).rowcount > 0


def revoke_invites_of(connection: Connection, rater: str) -> None:
    connection.execute(update(invites).where(invites.c.rater == rater).values(revoked=True))


def _rater(row: RowMapping) -> Rater:
    return Rater(row["rater"], row["brand"], row["admin"], row["created_at"])
