"""Logs of drawn answers as the tables that off-policy estimates read: made up, or of a published bandit."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.routing.logged import SegmentLog, count_support, read_segment

FIRST = date(2026, 10, 1)
SEGMENT = "product"


def choices(
    category: Any,
    arm: Any,
    propensity: Any,
    reward: Any,
    *,
    arms: Any = None,
    session: Any = None,
    day: Any = None,
    segment: str = SEGMENT,
) -> pa.Table:
    """Rows of `choices` (n), as `sql/routing/logged_choices.sql` gives them; NaN propensities and rewards are null.

    `day` counts from the first; without `session` an answer is one of its own.
    """
    count = len(category)
    ids = [f"i{row:07d}" for row in range(count)]
    days = np.zeros(count, int) if day is None else np.asarray(day)
    return pa.table(
        {
            "segment": pa.array([segment] * count),
            "session_id": pa.array(ids if session is None else [f"s{number}" for number in session]),
            "interaction_id": pa.array(ids),
            "answered_on": pa.array([FIRST + timedelta(days=int(number)) for number in days], pa.date32()),
            "category": pa.array([str(name) for name in category]),
            "arm": pa.array([str(name) for name in arm]),
            "propensity": pa.array(np.asarray(propensity, float), pa.float64(), from_pandas=True),
            "arms": pa.array([None] * count if arms is None else list(arms), pa.string()),
            "reward": pa.array(np.asarray(reward, float), pa.float64(), from_pandas=True),
        }
    )


def connect(rows: pa.Table, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyConnection:
    """A connection, new if there is none, with the tables of `register_choices` for these rows."""
    connection = connection or sql.connect()
    connection.register("rows", rows)
    columns = "* EXCLUDE (session_id), md5_number_lower(session_id) AS session"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE choices AS SELECT {columns} FROM rows")
    count_support(connection)
    return connection


def logged(rows: pa.Table, connection: duckdb.DuckDBPyConnection | None = None) -> SegmentLog:
    """The log of the rows, which are of one segment."""
    return read_segment(connect(rows, connection), SEGMENT)


def one_thread() -> duckdb.DuckDBPyConnection:
    """A connection for many small logs, one after the other."""
    connection = sql.connect()
    connection.execute("SET threads = 1")
    return connection


def as_json(shares: Any) -> str:
    """Probabilities of arms named by their number, as `arms` holds them."""
    return json.dumps({str(arm): float(share) for arm, share in enumerate(shares)})


def open_bandit(folder: Path, policy: str) -> pa.Table:
    """The published log of `bts` or `random`: a position is the category, an item the arm, a click the reward."""
    with (folder / policy / "men.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("position", "item_id", "propensity_score", "click")
    category, arm, propensity, click = ([row[name] for row in rows] for name in columns)
    return choices(category, arm, [float(p) for p in propensity], [float(value) for value in click])


def frequencies(log: SegmentLog) -> np.ndarray:
    """How often each arm was drawn in each category of a log (categories x arms), as shares."""
    counts = np.zeros((len(log.categories), len(log.arms)))
    np.add.at(counts, (log.answers.category, log.answers.arm), 1)
    return counts / counts.sum(axis=1, keepdims=True)
