"""`rated_interactions` as of a day: every answer of the trailing window with its reward; and what builders read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets import sql
from rl_assets.datasets.judged import JUDGE_PREFERENCES
from rl_assets.datasets.taught import TEACHER_ANSWERS
from rl_assets.features.day import describe_missing
from rl_assets.features.redaction import register_clean
from rl_assets.features.tables import FEATURES
from rl_assets.ingest.records import FEEDBACK, INTERACTIONS, TIME, Table, column
from rl_assets.lake import Lake, Published
from rl_assets.views import see

RATED_INTERACTIONS = Table(
    "rated_interactions",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("number", pa.int32(), "place of the answer's id among those of the day, from 1"),
            column("interaction_id", pa.string(), "the answer"),
            column("landed_day", pa.date32(), "log day on which it landed first; its texts lie there"),
            column("answered_at", TIME, "event time, inside the window"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("answer_key", pa.string(), "hash of the answer; equal answers share it"),
            column("cluster_key", pa.string(), "prompt key that names the cluster of prompts nearly the same"),
            column("split", pa.string(), "train, validation or test, by the hash of the cluster; null between splits"),
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
            column("personal_data", pa.bool_(), "personal data was found and replaced in its texts"),
            column("refusal", pa.bool_(), "the answer opens by refusing"),
            column("boilerplate", pa.bool_(), "the answer is a stock phrase and nothing else"),
            column("contaminated", pa.bool_(), "it shares 13 words in a row with a benchmark"),
            column("language", pa.string(), "ISO 639 code of the answer's language; null where it cannot be told"),
            column(
                "prompt_fault", pa.string(), "why no dataset takes it nor what was stated about it; null where they may"
            ),
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
        "refusal",
        "boilerplate",
        "prompt_fault",
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
    """A connection that sees `interactions` and `feedback` as they had landed by the end of the window's day, without
    personal data.
    """
    connection = sql.connect(memory_limit)
    register_clean(connection, lake, landed_days(lake, window))
    connection.execute(f"CREATE TEMP VIEW first_feedback AS {sql.text('first_feedback')}")
    return connection


def landed_days(lake: Lake, window: Window) -> list[date]:
    """The days of the window on which something landed."""
    days = {*lake.days(INTERACTIONS), *lake.days(FEEDBACK)}
    return sorted(day for day in days if window.first_landing <= day <= window.day)


def rate_interactions(
    lake: Lake, window: Window, memory_limit: str = "2GB", evaluation: Path | None = None
) -> Published:
    """Publish `rated_interactions` as of the window's day.

    Days of the window that have not been described as they stand are described first; `evaluation` is the folder of
    the benchmarks to keep out.
    """
    days = landed_days(lake, window)
    describe_missing(lake, days, evaluation, memory_limit)
    connection = as_of(lake, window, memory_limit)
    see(connection, FEATURES.name, lake, FEATURES, days)
    rows = sql.select(connection, "rated_interactions", day=window.day, first=window.first)
    return lake.publish(RATED_INTERACTIONS, window.day, _numbered(rows.to_arrow_reader(50_000)))


def _numbered(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The rows with their places, from 1: rows in the order of the ids are numbered here once, not by every builder."""

    def batches() -> Iterator[pa.RecordBatch]:
        first = 1
        for batch in rows:
            numbers = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int32))
            yield pa.record_batch([numbers, *batch.columns], names=["number", *batch.schema.names])
            first += batch.num_rows

    schema = rows.schema.insert(0, pa.field("number", pa.int32()))
    return pa.RecordBatchReader.from_batches(schema, batches())


def rated_as_of(lake: Lake, window: Window, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A connection for dataset builders: `rated`, `interactions`, `feedback`, `teacher_answers` and
    `judge_preferences` as of the day."""
    connection = as_of(lake, window, memory_limit)
    for table in (TEACHER_ANSWERS, JUDGE_PREFERENCES):
        see(connection, table.name, lake, table, [window.day])
    see(connection, "rated", lake, RATED_INTERACTIONS, [window.day])
    return connection
