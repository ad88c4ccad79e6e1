"""The tables of the feedback service. Times are ISO 8601 texts in UTC, which sort alike in SQLite and PostgreSQL."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()
# SQLite counts rows by itself only in a column that is INTEGER, to the letter.
SERIAL = BigInteger().with_variant(Integer, "sqlite")

acts = Table(
    "acts",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("act_id", Text, nullable=False, unique=True),
    Column("content_sha256", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("interaction_id", Text, nullable=False),
    Column("other_interaction_id", Text),
    Column("item", Text, nullable=False),
    Column("value", Float),
    Column("dimension", Text),
    Column("preferred", Text),
    Column("rejected", Text),
    Column("comment", Text),
    Column("prompt", Text),
    Column("model_output", Text),
    Column("rater", Text),
    Column("brand", Text),
    Column("task", Text),
    Column("shown_first", Text),
    Column("seconds", Float),
    Column("retracts", Text),
    Column("created_at", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("format", String(32)),
    Column("file", Text),
    Index("acts_of_rater", "rater", "received_at"),
    Index("acts_on_item", "item"),
    # With the rater: SQLite would rather go through all acts of a rater than through one index on `retracts` alone.
    Index("acts_retract_by_rater", "retracts", "rater"),
    Index("acts_of_file", "format", "file"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("interaction_id", Text, nullable=False, unique=True),
    Column("content_sha256", String(64), nullable=False),
    Column("line", Text, nullable=False),
    Column("user_id", Text),
    Column("received_at", Text, nullable=False),
    Column("format", String(32), nullable=False),
    Column("file", Text),
    Index("answers_of_user", "user_id"),
    Index("answers_of_file", "format", "file"),
)

raters = Table(
    "raters",
    metadata,
    Column("rater", Text, primary_key=True),
    Column("brand", Text),
    Column("admin", Boolean, nullable=False),
    Column("created_at", Text, nullable=False),
)

invites = Table(
    "invites",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("rater", Text, nullable=False),
    Column("brand", Text),
    Column("admin", Boolean, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),
    Column("revoked", Boolean, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("brand", Text),
    Column("created_at", Text, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("item", Text, primary_key=True),
    Column("rater", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)

landed_files = Table(
    "landed_files",
    metadata,
    Column("name", Text, primary_key=True),
    Column("format", String(32), nullable=False),
    Column("day", String(10), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("claimed_at", Text, nullable=False),
    Column("done", Boolean, nullable=False),
    Index("landed_files_of_day", "day"),
)
