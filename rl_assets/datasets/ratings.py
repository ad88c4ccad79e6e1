"""`rated_interactions` as of a day: every answer of the trailing window with its reward; and what builders read."""

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from rl_assets import sql
from rl_assets.ingest.records import FEEDBACK, INTERACTIONS, TIME, Table, column
from rl_assets.lake import Lake, Published

RATED_INTERACTIONS = Table(
    "rated_interactions",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("interaction_id", pa.string(), "the answer"),
            column("landed_day", pa.date32(), "log day on which it landed first; its texts lie there"),
            column("answered_at", TIME, "event time, inside the window"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("answer_key", pa.string(), "hash of the answer; equal answers share it"),
            column("split", pa.string(), "train, validation or test, by the hash of the prompt key"),
            column("reward", pa.float64(), "in [0, 1]; null where nobody judged"),
            column("reward_source", pa.string(), "human, verifier, judge or synthetic"),
            column("raters", pa.int64(), "raters whose latest values were averaged"),
            column("agent", pa.string(), "who answered"),
            column("category", pa.string(), "kind of question"),
            column("task", pa.string(), "kind of task"),
            column("segment", pa.string(), "slice of the product"),
            column("error", pa.bool_(), "the agent failed"),
            column("latency_ms", pa.float64(), "time to answer in ms"),
            column("answer_chars", pa.int64(), "characters of the answer without outer whitespace"),
            column("trainable", pa.bool_(), "the prompt is a conversation that every chat template can render"),
            column("resent", pa.int64(), "times the same id landed again"),
            column("conflicts", pa.int64(), "of these, with other content"),
            column("content_sha256", pa.string(), "hash of the logged content"),
            column("stated_sha256", pa.string(), "hash of its corrections and preferences; null where there are none"),
        ]
    ),
    identity=(
        "interaction_id",
        "landed_day",
        "prompt_key",
        "split",
        "reward",
        "reward_source",
        "content_sha256",
        "stated_sha256",
    ),
)


@dataclass(frozen=True)
class Window:
    """The days that count as of `day`: the last `length` days, itself included, or everything."""

    day: date
    length: int | None

    @property
    def first(self) -> date | None:
        """First day of event time, or None for everything."""
        return None if self.length is None else self.day - timedelta(days=self.length - 1)

    @property
    def first_landing(self) -> date:
        """First log day to read; one earlier than `first`, because logs rotate around midnight."""
        return date.min if self.first is None else self.first - timedelta(days=1)


def as_of(lake: Lake, window: Window, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A connection that sees `interactions` and `feedback` as they had landed by the end of the window's day."""
    connection = sql.connect(memory_limit)
    for table in (INTERACTIONS, FEEDBACK):
        connection.register(table.name, lake.between(table, window.first_landing, window.day))
    # One act of feedback counts once, however often its line lands.
    connection.execute(
        "CREATE TEMP VIEW first_feedback AS SELECT * FROM feedback "
        "QUALIFY row_number() OVER (PARTITION BY feedback_id ORDER BY day) = 1"
    )
    return connection


def rate_interactions(lake: Lake, window: Window, memory_limit: str = "2GB") -> Published:
    """Publish `rated_interactions` as of the window's day."""
    connection = as_of(lake, window, memory_limit)
    rows = sql.select(connection, "rated_interactions", day=window.day, first=window.first)
    return lake.publish(RATED_INTERACTIONS, window.day, rows.to_arrow_reader(50_000))


def rated_as_of(lake: Lake, window: Window, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A connection for dataset builders: `rated`, `interactions` and `feedback` as of the window's day."""
    connection = as_of(lake, window, memory_limit)
    connection.register("rated", lake.read(RATED_INTERACTIONS, [window.day]))
    return connection
