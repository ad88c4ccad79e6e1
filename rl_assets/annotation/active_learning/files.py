"""The queue as a file for labelling tools: lines of the log format `feedback_table` that lack a verdict.

A line with a verdict (first, second or tie) or a rating lands as it is: drop the file into
`landing/feedback_table/<day>/`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core.files import sha256_text, write_atomically

QUEUE_FILE = "queue.jsonl"
Row = dict[str, Any]


def queue_lines(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> list[Row]:
    """Lines of the items whose texts are there, in an order that mixes the lanes: a label of any prefix helps all."""
    ids = sorted({name for row in rows for name in (row["first_id"], row["second_id"]) if name})
    connection.register("wanted", pa.table({"id": pa.array(ids, pa.string())}))
    texts = connection.sql(
        "SELECT rated.interaction_id, prompt, answer FROM rated JOIN interactions "
        "ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day "
        "WHERE rated.interaction_id IN (SELECT id FROM wanted) AND answer IS NOT NULL"
    ).to_arrow_table()
    connection.unregister("wanted")
    by_id = {row["interaction_id"]: row for row in texts.to_pylist()}
    ordered = sorted(rows, key=lambda row: sha256_text(f"shown {row['item_id']}"))
    return [
        _line(row, by_id) for row in ordered if {row["first_id"], row["second_id"] or row["first_id"]} <= by_id.keys()
    ]


def _line(row: Row, texts: dict[str, Row]) -> Row:
    first = texts[row["first_id"]]
    asked = {"id": f"q-{row['item_id']}", "interaction_id": row["first_id"], "user_id": ""}
    if row["second_id"] is None:
        return {
            **asked,
            "feedback_type": "rating",
            "prompt": first["prompt"],
            "model_output": first["answer"],
            "rating": None,
        }
    return {
        **asked,
        "feedback_type": "preference",
        "other_interaction_id": row["second_id"],
        "shown_first": row["first_id"],
        "prompt": first["prompt"],
        "first_output": first["answer"],
        "second_output": texts[row["second_id"]]["answer"],
        "verdict": "",
    }


def write_lines(path: Path, lines: Sequence[Row]) -> None:
    """Write JSON lines atomically; an empty file if there is none, since a consumer may wait for it."""
    write_atomically(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
