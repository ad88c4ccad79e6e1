"""A small product whose log files tests write: lines of each format, a landing folder, a lake."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.datasets.builders import Built
from rl_assets.datasets.policies import Policy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.ingest.day import IngestedDay, ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table
from rl_assets.metrics.scales import Metrics
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

DAY = date(2026, 10, 1)
USER_KEY = b"a key for tests only"
Row = dict[str, Any]


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def interaction(interaction_id: str = "a1", **fields: Any) -> Row:
    """A line of `interaction_log`: an answer that nobody judged."""
    return {
        "interaction_id": interaction_id,
        "timestamp": f"{DAY}T10:00:00Z",
        "query": "Where is my order?",
        "answer": f"It is on its way, says {interaction_id}.",
        "agent_type": "desk",
        "latency_ms": 250,
        "tools_used": ["search_orders"],
        "error_occurred": False,
        **fields,
    }


def judged(interaction_id: str, score: float | None, **fields: Any) -> Row:
    """A line of `interaction_log` with a judge's overall score."""
    return interaction(interaction_id, quality_scores={} if score is None else {"overall": score}, **fields)


def question(interaction_id: str = "q1", **fields: Any) -> Row:
    """A query row of `reward_log`."""
    row = {"interaction_id": interaction_id, "question": "How much is 3 times 7?", "agent": "solver"}
    return {**row, "category": "maths", "top_k": 3, "answer": "It is 21.", **fields}


def reward(interaction_id: str = "q1", value: Any = 1.0, **fields: Any) -> Row:
    """A feedback row of `reward_log`."""
    row = {"type": "feedback", "interaction_id": interaction_id, "reward": value}
    return {**row, "timestamp": f"{DAY}T11:00:00Z", **fields}


def undated_log(home: Path, log_format: str) -> Path:
    """Where a service appends its lines: a file without a day, in a folder that is there."""
    path = home / "landing" / log_format / "service.jsonl"
    path.parent.mkdir(parents=True)
    return path


def opinion(feedback_id: str = "f1", kind: str = "thumbs_up", **fields: Any) -> Row:
    """A line of `feedback_table` about an output of its own."""
    return {
        "id": feedback_id,
        "brand_id": "acme",
        "user_id": "mary",
        "task_type": "haiku",
        "prompt": "Write about autumn.",
        "model_output": "Leaves fall on the lake.",
        "feedback_type": kind,
        "created_at": f"{DAY}T12:00:00Z",
        **fields,
    }


def about(interaction_id: str, feedback_id: str, kind: str = "thumbs_up", **fields: Any) -> Row:
    """A line of `feedback_table` about an answer that another log holds."""
    return opinion(feedback_id, kind, interaction_id=interaction_id, prompt=None, model_output=None, **fields)


def encoded(lines: tuple[Row | str | bytes, ...]) -> bytes:
    """Lines of a file: rows as JSON, text and bytes as they are."""
    texts = (json.dumps(line) if isinstance(line, dict) else line for line in lines)
    return b"".join((text.encode("utf-8") if isinstance(text, str) else text) + b"\n" for text in texts)


def compressed(name: str, content: bytes) -> bytes:
    """The content as a file of that name holds it."""
    if name.endswith(".zst"):
        return pa.compress(content, codec="zstd", asbytes=True)
    return gzip.compress(content) if name.endswith(".gz") else content


def all_rows(built: Built) -> pa.Table:
    """The rows of a dataset, all at once."""
    assert built.rows is not None
    return pa.concat_tables(built.rows())


@dataclass(frozen=True)
class Product:
    """A landing folder and a lake; the tables that days were rated from to build datasets, by their versions."""

    landing: Path
    lake: Lake
    built_from: dict[date, list[int | None]] = field(default_factory=dict)

    @classmethod
    def at(cls, home: Path) -> "Product":
        return cls(home / "landing", Lake(str(home / "lake")))

    def log(
        self,
        *lines: Row | str | bytes,
        log_format: str = "interaction_log",
        day: date = DAY,
        name: str = "part-0.jsonl",
    ) -> Path:
        """Write one landing file; its path."""
        path = self.landing / log_format / str(day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compressed(name, encoded(lines)))
        return path

    def ingest(self, day: date = DAY, metrics: Metrics | None = None) -> IngestedDay:
        return ingest_day(self.lake, files_of(self.landing, day), day, USER_KEY, metrics=metrics)

    def rows(self, table: Table, *days: date) -> list[Row]:
        """Rows of the table on `days`, of all days by default."""
        return self.lake.read(table, days or self.lake.days(table)).to_table().to_pylist()

    def rated(self, day: date = DAY, window: int | None = 30, evaluation: Path | None = None) -> dict[str, Row]:
        """`rated_interactions` as of the day, by id, after making them."""
        rate_interactions(self.lake, Window(day, window), evaluation=evaluation)
        return {row["interaction_id"]: row for row in self.rows(RATED_INTERACTIONS, day)}

    def build(
        self, build: Callable[[duckdb.DuckDBPyConnection, Any], Built], policy: Policy, day: date = DAY
    ) -> tuple[Built, list[Row]]:
        """A dataset's account and rows, from what has been ingested."""
        landed = [table and table.version() for table in map(self.lake.open, (INTERACTIONS, FEEDBACK))]
        if self.built_from.get(day) != landed:
            rate_interactions(self.lake, Window(day, 30))
            self.built_from[day] = landed
        connection = rated_as_of(self.lake, Window(day, 30), "1GB")
        built = build(connection, policy)
        return built, all_rows(built).to_pylist()

    def build_of(
        self,
        build: Callable[[duckdb.DuckDBPyConnection, Any], Built],
        policy: Policy,
        *lines: Row,
        feedback: tuple[Row, ...] = (),
    ) -> tuple[Built, list[Row]]:
        """A dataset's account, whose sums are right, and rows, from these answers and feedback on them."""
        self.log(*lines)
        if feedback:
            self.log(*feedback, log_format="feedback_table")
        self.ingest()
        account, rows = self.build(build, policy)
        assert account.candidates == account.selected + sum(account.dropped.values())
        return account, rows
