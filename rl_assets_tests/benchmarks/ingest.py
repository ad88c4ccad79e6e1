"""Ingestion against the least that could be done: DuckDB reads typed JSON and writes Delta, with no checks at all."""

from datetime import date
from pathlib import Path

import duckdb
from deltalake import write_deltalake

from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake

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
# What else the canonical table holds of such a log, said as briefly as SQL can: the conversation and four hashes.
DERIVED = """
    interaction_id, timestamp AS answered_at, [{'role': 'user', 'content': query}] AS prompt, answer,
    agent_type AS agent, quality_scores, latency_ms, tools_used, error_occurred AS error, session_id,
    sha256('key' || user_id) AS user_id,
    sha256(concat_ws(chr(31), interaction_id, timestamp, query, answer, agent_type, quality_scores, session_id, user_id,
                     latency_ms, tools_used, error_occurred)) AS content_sha256,
    sha256('user' || lower(query)) AS prompt_key, sha256(answer) AS answer_key, 'user' AS roles,
    'part-0.jsonl' AS source_file, row_number() OVER () AS source_line
"""


def bare(log: Path, target: Path, columns: str = "*", memory_limit: str = "2GB") -> None:
    """Read the log with its types given, write one Delta day; with `DERIVED`, the same columns as ours."""
    config = {"autoinstall_known_extensions": False, "TimeZone": "UTC", "memory_limit": memory_limit}
    connection = duckdb.connect(config=config)
    connection.execute("SET enable_progress_bar = false")
    rows = connection.sql(
        f"SELECT {columns}, DATE '{DAY}' AS day FROM read_json($log, format='newline_delimited', columns={COLUMNS})",
        params={"log": str(log)},
    )
    write_deltalake(
        str(target),
        rows.to_arrow_reader(50_000),
        mode="overwrite",
        predicate=f"day = '{DAY}'",
        partition_by=["day"],
    )


def ours(landing: Path, target: Path, memory_limit: str = "2GB") -> None:
    """The whole ingestion: strict parsing, duplicates, conflicts, prompt keys, hashed users, four tables."""
    ingest_day(Lake(str(target)), files_of(landing, DAY), DAY, b"benchmark", memory_limit)
