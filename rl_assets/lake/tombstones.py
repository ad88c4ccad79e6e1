"""Tombstones of erased interactions and users, and the rule for which rows they apply to."""

import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.lake.table import TIME, Table, column

ERASURES = Table(
    "erasures",
    pa.schema(
        [
            column("erasure", pa.string(), "erasure that the tombstone belongs to; the partition"),
            column("kind", pa.string(), "interaction or user"),
            column("id", pa.string(), "id of the interaction, or keyed hash (HMAC-SHA256) of the user's id"),
            column("erased_at", TIME, "time of the erasure"),
        ]
    ),
    identity=("kind", "id"),
    partition="erasure",
)
# Columns of any table that name an interaction, and those that hold the keyed hash of a user's id.
INTERACTION_IDS = (
    *("interaction_id", "other_interaction_id", "preferred_id", "rejected_id"),
    *("first_id", "second_id"),
)
USER_HASHES = ("user_id", "rater")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


@dataclass(frozen=True)
class Erased:
    """Ids of erased interactions, and keyed hashes of the ids of erased users: no row with one may be kept."""

    interactions: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    @classmethod
    def from_tombstones(cls, tombstones: pa.Table) -> "Erased":
        """The ids in rows of ERASURES."""
        named = tombstones.select(["kind", "id"]).to_pylist()
        ids = {kind: frozenset(row["id"] for row in named if row["kind"] == kind) for kind in ("interaction", "user")}
        return cls(ids["interaction"], ids["user"])

    def __bool__(self) -> bool:
        return bool(self.interactions or self.users)

    def mask(self, rows: pa.RecordBatch) -> pa.Array:
        """Whether each row names an erased interaction or user."""
        mask = pa.repeat(False, rows.num_rows)
        for names, ids in ((INTERACTION_IDS, self.interactions), (USER_HASHES, self.users)):
            wanted = pa.array(sorted(ids), pa.string())
            for name in set(names) & set(rows.schema.names):
                mask = pc.or_(mask, pc.is_in(rows.column(name), wanted))
        return mask

    def is_named_in(self, line: str | None, user_key: bytes) -> bool:
        """Whether a rejected line names an erased interaction or user by a text or integer in it."""
        tokens = _tokens(line or "")
        return any(token in self.interactions or hash_user(token, user_key) in self.users for token in tokens)


def tombstones(erasure: str, erased: Erased) -> pa.RecordBatchReader:
    """Rows of ERASURES for one erasure, as of now."""
    named = [("interaction", name) for name in sorted(erased.interactions)]
    named += [("user", name) for name in sorted(erased.users)]
    now = datetime.now(UTC)
    rows = [{"erasure": erasure, "kind": kind, "id": name, "erased_at": now} for kind, name in named]
    return pa.Table.from_pylist(rows, schema=ERASURES.schema).to_reader()


def hash_user(user: str, user_key: bytes) -> str:
    """The keyed hash under which a user's id is stored."""
    return hmac.digest(user_key, user.encode("utf-8", "replace"), "sha256").hex()


def without_erased_lines(rows: pa.RecordBatch, erased: Erased, user_key: bytes) -> pa.RecordBatch:
    """Rows of `rejected_records` whose kept characters name no erased interaction or user."""
    if not erased:
        return rows
    lines = zip(rows.column("raw").to_pylist(), rows.column("detail").to_pylist(), strict=True)
    kept = [not erased.is_named_in(raw, user_key) and detail not in erased.interactions for raw, detail in lines]
    return rows.filter(pa.array(kept, pa.bool_()))


def _tokens(line: str) -> Iterator[str]:
    for match in chain(QUOTED.finditer(line), NUMBER.finditer(line)):
        try:
            yield str(json.loads(match.group())).strip()
        except ValueError:
            yield match.group().strip('"').strip()
