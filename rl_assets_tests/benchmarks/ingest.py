"""Ingestion against the least that could be done: DuckDB reads typed JSON and writes Delta, with no checks at all."""

from datetime import date
from pathlib import Path

import duckdb
from deltalake import write_deltalake

from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake import Lake

DAY = date(2026, 10, 1)
COLUMNS = {
    "interaction_id": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "query": "VARCHAR",
    "answer": "VARCHAR",
    "agent_type": "VARCHAR",
    "quality_scores": "MAP(VARCHAR, DOUBLE)",
    "session_id": "VARCHAR",
    "user_id": "VARCHAR",
    "latency_ms": "DOUBLE",
    "tools_used": "VARCHAR[]",
    "error_occurred": "BOOLEAN",
}


def bare(log: Path, target: Path) -> None:
    """Read the log with its types given, write one Delta day."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "TimeZone": "UTC"})
    rows = connection.sql(
        f"SELECT *, DATE '{DAY}' AS day FROM read_json($log, format='newline_delimited', columns={COLUMNS})",
        params={"log": str(log)},
    )
    write_deltalake(
        str(target),
        rows.to_arrow_reader(50_000),
        mode="overwrite",
        predicate=f"day = '{DAY}'",
        partition_by=["day"],
    )


def ours(landing: Path, target: Path) -> None:
    """The whole ingestion: strict parsing, duplicates, conflicts, prompt keys, hashed users, four tables."""
    ingest_day(Lake(str(target)), files_of(landing, DAY), DAY, b"benchmark")
