"""Tables `rows` as builders leave them, made by hand so that single rows can be broken."""

from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql

Row = dict[str, Any]
HUMAN = {"reward": 0.9, "reward_source": "human"}
UNACCOUNTED = "an answer with both a row and a reason"


def message(role: str, content: str | None) -> Row:
    return {"role": role, "content": content}


@cache
def numbered(rows: int) -> tuple[Row, ...]:
    """Keys of different prompts, each with its split."""
    found = sql.connect().sql(
        f"SELECT sha256(CAST(i AS VARCHAR)) AS key, split_of(key) AS split FROM range({rows}) AS t(i)"
    )
    return tuple({"split": split, "prompt_key": key} for key, split in found.fetchall())


def keys(start: Row) -> Row:
    """Of prompts that are like no other."""
    return {"prompt_key": start["prompt_key"], "cluster_key": start["prompt_key"]}


def sft_row(start: Row, i: int) -> Row:
    return {
        **start,
        "messages": [message("user", f"question {i}"), message("assistant", f"answer {i}")],
        "metadata": {**keys(start), "agent": f"agent-{i % 4}", "category": f"category-{i % 2}", **HUMAN},
    }


def dpo_row(start: Row, i: int) -> Row:
    return {
        **start,
        "prompt": [message("user", f"question {i}")],
        "chosen": [message("assistant", f"good answer {i}")],
        "rejected": [message("assistant", f"bad answer, {i}" + "!" * (i % 3))],
        "metadata": {
            **keys(start),
            "strategy": "all_margin",
            "margin": 0.5,
            "category": f"category-{i % 2}",
            "reward_source": "human",
        },
    }


def grpo_row(start: Row, i: int) -> Row:
    return {
        **start,
        "prompt": [message("user", f"question {i}")],
        "responses": [{"text": f"answer {i}", "reward": 1.0}, {"text": f"other {i}", "reward": 0.0}],
        "metadata": {
            **keys(start),
            "sd": 0.5,
            "scorer": ("verifier", "judge")[i % 2],
            "category": f"category-{i % 2}",
        },
    }


def kto_row(start: Row, i: int) -> Row:
    return {
        **start,
        "prompt": [message("user", f"question {i}")],
        "completion": [message("assistant", f"answer {i}")],
        "label": i % 2 == 0,
        "metadata": {**keys(start), "category": f"category-{i % 2}", **HUMAN},
    }


MAKERS = {
    "sft_dataset": sft_row,
    "dpo_dataset": dpo_row,
    "reward_dataset": dpo_row,
    "kto_dataset": kto_row,
    "grpo_dataset": grpo_row,
}


def good_rows(name: str, rows: int = 200) -> list[Row]:
    return [MAKERS[name](start, i) for i, start in enumerate(numbered(rows))]


def connected(rows: list[Row], like: str) -> duckdb.DuckDBPyConnection:
    """A connection with the rows in its table `rows`; `like` names the dataset that gives the types."""
    schema = pa.Table.from_pylist(good_rows(like, 2)).schema
    connection = sql.connect()
    connection.register("given", pa.Table.from_pylist(rows, schema=schema))
    connection.execute("CREATE TABLE rows AS FROM given")
    connection.execute(
        "CREATE TABLE outcomes AS SELECT prompt_key AS interaction_id, 1 AS rows, "
        f"CASE WHEN prompt_key = '{UNACCOUNTED}' THEN 'error' END AS reason FROM rows"
    )
    return connection
