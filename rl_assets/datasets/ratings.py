"""`rated_interactions` as of a day: every answer of the trailing window with its reward; and what builders read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.identity import DEFAULT_RULES, PromptRules
from rl_assets.features.clusters import register_clusters
from rl_assets.features.day import describe_missing
from rl_assets.features.privacy_rules import DEFAULT_PRIVACY, PrivacyRules
from rl_assets.features.redaction import register_clean
from rl_assets.lake.delta import Lake, Published
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.features import FEATURES
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets.tables.ruler_groups import RULER_GROUPS
from rl_assets.tables.synthetic_feedback import SYNTHETIC_FEEDBACK
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS


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
    sql.create_view(connection, "feedback_history", "ratings/feedback_history")
    sql.create_view(connection, "first_feedback", "ratings/first_feedback")
    sql.create_view(connection, "verdicts", "ratings/verdicts")
    return connection


def landed_days(lake: Lake, window: Window) -> list[date]:
    """The days of the window on which something landed."""
    days = {*lake.days(INTERACTIONS), *lake.days(FEEDBACK)}
    return sorted(day for day in days if window.first_landing <= day <= window.day)


def count_feedback(lake: Lake, window: Window, memory_limit: str = "2GB") -> dict[str, Any]:
    """Counts of the window's feedback: events, changed and withdrawn verdicts, those on answers older than the window
    that the lake still holds, those without an answer, and retractions of events that nobody gave."""
    connection = as_of(lake, window, memory_limit)
    for table in (INTERACTIONS, FEEDBACK):
        older = [day for day in lake.days(table) if day < window.first_landing]
        register_view(connection, f"older_{table.name}", lake, table, older)
    return dict(sql.select(connection, "ratings/feedback_counts").to_arrow_table().to_pylist()[0])


def rate_interactions(
    lake: Lake,
    window: Window,
    memory_limit: str = "2GB",
    evaluation: Path | None = None,
    rules: PromptRules = DEFAULT_RULES,
    privacy: PrivacyRules = DEFAULT_PRIVACY,
) -> Published:
    """Publish `rated_interactions` as of the window's day.

    Days of the window that have not been described as they stand are described first; `evaluation` is the folder of
    the benchmarks to keep out.
    """
    days = landed_days(lake, window)
    describe_missing(lake, days, evaluation, memory_limit, rules, privacy)
    connection = as_of(lake, window, memory_limit)
    register_view(connection, FEATURES.name, lake, FEATURES, days)
    register_clusters(connection, lake, rules)
    rows = sql.select(connection, "ratings/rated_interactions", day=window.day, first=window.first)
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
    """A connection for dataset builders: `rated`, `interactions`, `feedback`, `teacher_answers`, and what judges said,
    as of the day."""
    connection = as_of(lake, window, memory_limit)
    for table in (TEACHER_ANSWERS, JUDGE_PREFERENCES, RULER_GROUPS, SYNTHETIC_FEEDBACK):
        register_view(connection, table.name, lake, table, [window.day])
    register_view(connection, "rated", lake, RATED_INTERACTIONS, [window.day])
    return connection
