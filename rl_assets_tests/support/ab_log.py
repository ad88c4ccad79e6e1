"""A log of agents' answers as the lake would hold it."""

from datetime import date
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.evaluation.ab.compare import compare_agents
from rl_assets.evaluation.ab.results import AbReport, AgentComparison

DAY = "2026-10-14"
COLUMNS = (
    "interaction_id VARCHAR, landed_day DATE, prompt_key VARCHAR, answer_key VARCHAR, reward DOUBLE, "
    "reward_source VARCHAR, agent VARCHAR, category VARCHAR, segment VARCHAR, error BOOLEAN, latency_ms DOUBLE, "
    "answer_chars BIGINT, trainable BOOLEAN"
)


class Log:
    """Answers of agents as the lake would hold them."""

    def __init__(self) -> None:
        self.connection: duckdb.DuckDBPyConnection = sql.connect()
        self.connection.execute(f"CREATE TABLE rated ({COLUMNS})")
        self.connection.execute(
            "CREATE TABLE interactions (interaction_id VARCHAR, day DATE, "
            "prompt STRUCT(role VARCHAR, content VARCHAR)[], answer VARCHAR, tokens BIGINT, cost_usd DOUBLE)"
        )
        self.rows = 0

    def answer(self, agent: str, question: str, reward: float | None, **changes: Any) -> None:
        self.rows += 1
        found = {
            "category": "all",
            "segment": "parts",
            "error": False,
            "source": "human",
            "text": f"by {agent}",
        } | changes
        key, source = f"i{self.rows:06d}", found["source"] if reward is not None else None
        self.connection.execute(
            "INSERT INTO rated VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, true)",
            [
                key,
                date(2026, 10, 1),
                question,
                found["text"],
                reward,
                source,
                agent,
                found["category"],
                found["segment"],
                found["error"],
                100.0,
                len(found["text"]),
            ],
        )
        self.connection.execute(
            "INSERT INTO interactions VALUES (?, ?, [{'role': 'user', 'content': ?}], ?, 10, ?)",
            [key, date(2026, 10, 1), question, found["text"], found.get("cost")],
        )

    def report(self) -> AbReport:
        return compare_agents(self.connection, DAY)


def only(report: AbReport) -> AgentComparison:
    (comparison,) = report.comparisons
    return comparison
