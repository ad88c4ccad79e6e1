"""How long the state of the router takes, and how much memory: of many generated answers, and of many arms.

Run it with `python -m rl_assets_tests.benchmarks.router_timing`.
"""

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window
from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table
from rl_assets.routing.config import RouterFile
from rl_assets.routing.state import count_answers, learn, shares_to_draw_by, state_rows
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.benchmarks.measure import alone

DAY = date(2026, 10, 30)
ROUTER = RouterFile()
ANSWERS = """
SELECT
    concat('answer-', number) AS interaction_id,
    DATE '{day}' - CAST(number % 30 AS INTEGER) AS landed_day,
    TIMESTAMPTZ '{day} 12:00:00+00' - to_days(CAST(number % 30 AS INTEGER)) AS answered_at,
    concat('agent-', hash(number) % {arms}) AS agent,
    CASE WHEN number % 1000 >= {uncategorized} THEN concat('category-', hash(number, 1) % {categories}) END AS category,
    CASE WHEN hash(number, 2) % 5 = 0 THEN hash(number, 3) % 101 / 100 END AS reward,
    hash(number, 4) % 50 = 0 AS error
FROM range({rows}) AS numbers (number)
"""
RATED = "SELECT DATE '{day}' AS day, * FROM answers"
LANDED = """
SELECT
    interaction_id,
    landed_day AS day,
    [{{'role': 'user', 'content': concat('Where is the order ', interaction_id, ', and when is it here?')}}] AS prompt
FROM answers
"""


def write_answers(home: Path, rows: int, arms: int, categories: int, uncategorized: int) -> None:
    """A lake with that many rated answers; of each 1,000, `uncategorized` have no category."""
    connection = sql.connect()
    answers = ANSWERS.format(day=DAY, rows=rows, arms=arms, categories=categories, uncategorized=uncategorized)
    connection.execute(f"CREATE TABLE answers AS {answers}")
    for table, select in ((RATED_INTERACTIONS, RATED), (INTERACTIONS, LANDED)):
        rows_of_table = connection.sql(select.format(day=DAY))
        for (day,) in rows_of_table.project("day").distinct().fetchall():
            _publish(connection, Lake(str(home)), table, day, rows_of_table.filter(f"day = DATE '{day}'"))


def _publish(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, day: date, rows: duckdb.DuckDBPyRelation
) -> None:
    empty = connection.from_arrow(table.schema.empty_table())
    kinds = zip(empty.columns, empty.types, strict=True)
    nulls = [f"CAST(NULL AS {kind}) AS {name}" for name, kind in kinds if name not in rows.columns]
    lake.publish(table, day, rows.project(", ".join(["*", *nulls])).to_arrow_reader(50_000))


def build_state(home: Path) -> dict[str, float]:
    """Make the state of what lies there, all of it but the asset; its rows, cells and seconds of CPU."""
    started = time.process_time()
    lake = Lake(str(home))
    state = learn(str(DAY), count_answers(lake, Window(DAY, 30), ROUTER), ROUTER)
    published = lake.publish(BANDIT_STATE, DAY, state_rows(state).to_reader())
    shares = shares_to_draw_by(state, ROUTER, "a salt of tests")
    return {
        "rows": published.rows,
        "cells": sum(map(len, shares.shares.values())),
        "cpu": time.process_time() - started,
    }


def main() -> None:
    """Print a line per size."""
    parser = argparse.ArgumentParser(description="Time and memory of the router's state.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    for arms, categories, uncategorized in ((20, 50, 0), (20, 50, 200), (1_000, 50, 0)):
        with tempfile.TemporaryDirectory() as home:
            alone(write_answers, Path(home), rows, arms, categories, uncategorized)
            result, seconds, mib = alone(build_state, Path(home))
        print(
            f"{rows:,} answers, {uncategorized / 10:.0f} % without a category, {arms:,} arms, {categories} categories: "
            f"{seconds:.2f} s ({result['cpu']:.2f} s of CPU), {mib:,.0f} MiB, {result['rows']:,} rows",
            flush=True,
        )


if __name__ == "__main__":
    main()
