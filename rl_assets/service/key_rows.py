"""Keys of programs: a random text that is shown once; its SHA-256 is kept. Each has scopes, and a brand if wanted."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

from sqlalchemy import Connection, RowMapping, select, update

from rl_assets.service.acts import time_text
from rl_assets.service.schema import keys
from rl_assets.service.upsert import insert_if_absent

Scope = Literal["log", "read", "build", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "rla_"
KEY_BYTES = 32
SESSION_PREFIX = "key "


@dataclass(frozen=True)
class Key:
    """A key without its text. `admin` includes every other scope; `brand` None is every brand."""

    name: str
    scopes: frozenset[Scope]
    brand: str | None
    created_at: str
    revoked: bool = False

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


def add(connection: Connection, name: str, scopes: Iterable[Scope], brand: str | None, now: datetime) -> str:
    """A new key's text. Raises ValueError if the name is taken, or a scope is unknown."""
    wanted = sorted(set(scopes))
    if not wanted or (unknown := set(wanted) - set(SCOPES)):
        raise ValueError(f"scopes are {', '.join(SCOPES)}, not {', '.join(sorted(unknown)) if wanted else 'none'}")
    text = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    row = {"key_sha256": _digest(text), "scopes": " ".join(wanted), "brand": brand, "created_at": time_text(now)}
    if not insert_if_absent(connection, keys, {"name": name, **row, "revoked": False}, "name"):
        raise ValueError(f"there is a key named {name} already: choose another name")
    return text


def find(connection: Connection, text: str) -> Key | None:
    """The key of a text, compared in constant time; None if it is unknown or revoked."""
    digest = _digest(text)
    rows = connection.execute(select(keys).where(~keys.c.revoked)).mappings().all()
    matching = [row for row in rows if hmac.compare_digest(bytes(row["key_sha256"]), digest)]
    return _key(matching[0]) if matching else None


def all_keys(connection: Connection) -> list[Key]:
    return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.name)).mappings()]


def session_name(name: str) -> str:
    """The rater as whom an administrator is signed in with a key."""
    return f"{SESSION_PREFIX}{name}"


def revoke(connection: Connection, name: str) -> bool:
    return connection.execute(update(keys).where(keys.c.name == name).values(revoked=True)).rowcount > 0


def _key(row: RowMapping) -> Key:
    scopes = cast("frozenset[Scope]", frozenset(row["scopes"].split()))
    return Key(row["name"], scopes, row["brand"], row["created_at"], row["revoked"])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
