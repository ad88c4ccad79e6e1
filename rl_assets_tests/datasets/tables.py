"""Tables `rows` as builders leave them, made by hand so that single rows can be broken."""

from typing import Any

import duckdb
import pyarrow as pa

from rl_assets import sql

Row = dict[str, Any]


def message(role: str, content: str | None) -> Row:
    return {"role": role, "content": content}


def numbered(connection: duckdb.DuckDBPyConnection, rows: int) -> list[Row]:
    """Keys of different prompts, each with its split."""
    found = connection.sql(
        f"SELECT sha256(CAST(i AS VARCHAR)) AS key, split_of(key) AS split FROM range({rows}) AS t(i)"
    )
    return [{"split": split, "prompt_key": key} for key, split in found.fetchall()]


def sft_row(start: Row, i: int) -> Row:
    return {
        **start,
        "messages": [message("user", f"question {i}"), message("assistant", f"answer {i}")],
        "metadata": {"prompt_key": start["prompt_key"], "agent": f"agent-{i % 4}", "reward": 0.9},
    }


def dpo_row(start: Row, i: int) -> Row:
    return {
        **start,
        "prompt": [message("user", f"question {i}")],
        "chosen": [message("assistant", f"good answer {i}")],
        "rejected": [message("assistant", f"bad answer, {i}" + "!" * (i % 3))],
        "metadata": {"prompt_key": start["prompt_key"], "strategy": "all_margin", "margin": 0.5},
    }


def grpo_row(start: Row, i: int) -> Row:
    return {
        **start,
        "prompt": [message("user", f"question {i}")],
        "responses": [{"text": f"answer {i}", "reward": 1.0}, {"text": f"other {i}", "reward": 0.0}],
        "metadata": {"prompt_key": start["prompt_key"], "sd": 0.5},
    }


MAKERS = {"sft_dataset": sft_row, "dpo_dataset": dpo_row, "grpo_dataset": grpo_row}


def good_rows(name: str, rows: int = 200) -> list[Row]:
    return [MAKERS[name](start, i) for i, start in enumerate(numbered(sql.connect(), rows))]


def connected(rows: list[Row], like: str) -> duckdb.DuckDBPyConnection:
    """A connection with the rows in its table `rows`; `like` names the dataset that gives the types."""
    schema = pa.Table.from_pylist(good_rows(like, 2)).schema
    connection = sql.connect()
    connection.register("given", pa.Table.from_pylist(rows, schema=schema))
    connection.execute("CREATE TEMP TABLE rows AS FROM given")
    connection.execute("CREATE TEMP TABLE fates AS SELECT prompt_key AS interaction_id, 1 AS rows, NULL AS reason FROM rows")
    return connection
