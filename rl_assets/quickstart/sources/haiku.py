"""Haiku written through a model gateway, with the ratings and better haiku posted back to it."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from rl_assets.quickstart.assigned import answered_at, iso, rated_at
from rl_assets.quickstart.landing_files import Entry, read_lines

SOURCE = "haiku"
FUNCTION = "write_haiku"


def entries(folder: Path) -> Iterator[Entry]:
    """Answers of the function write_haiku, their haiku_rating, and demonstrations as corrections."""
    logs = folder / "logs-tensorzero"
    inferences = read_lines(logs / "chat_inference_examples.jsonl")
    haiku = {row["id"]: row for row in inferences if row["function_name"] == FUNCTION}
    for row in haiku.values():
        answered = _answered(row)
        yield Entry("interaction_log", SOURCE, answered, _interaction(row, answered))
    for row in read_lines(logs / "float_metric_feedback_examples.jsonl"):
        if row["metric_name"] == "haiku_rating" and row["target_id"] in haiku:
            yield _rating(row, haiku[row["target_id"]])
    for row in read_lines(logs / "demonstration_feedback_examples.jsonl"):
        if row["inference_id"] in haiku:
            yield _correction(row, haiku[row["inference_id"]])


def unit_rating(value: float) -> float:
    """A rating meant for [-1, 1] as a reward in [0, 1]; what lies beyond an end counts as that end."""
    return round((min(1.0, max(-1.0, value)) + 1) / 2, 6)


def content_text(blocks: list[dict[str, Any]], where: str) -> str:
    """Text of the gateway's content blocks; template arguments, which are objects, become compact JSON.

    Raises ValueError for a block that is not text.
    """
    if odd := [block["type"] for block in blocks if block["type"] != "text"]:
        raise ValueError(
            f"{where} has content blocks of type {odd}: only text can be rewritten as a prompt or an answer"
        )
    values = [block["value"] if "value" in block else block["text"] for block in blocks]
    return "\n".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)


def _answered(row: dict[str, Any]) -> datetime:
    return answered_at(row["episode_id"], row["id"])


def _conversation(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The last user turn, and the optional fields for what stood before it."""
    given = json.loads(row["input"])
    turns = [{"role": turn["role"], "content": content_text(turn["content"], row["id"])} for turn in given["messages"]]
    earlier: dict[str, Any] = {"system": given["system"]} if given.get("system") else {}
    if turns[:-1]:
        earlier["messages"] = turns[:-1]
    return turns[-1]["content"], earlier


def _interaction(row: dict[str, Any], answered: datetime) -> dict[str, Any]:
    query, earlier = _conversation(row)
    return {
        "interaction_id": row["id"],
        "timestamp": iso(answered),
        "query": query,
        "answer": content_text(json.loads(row["output"]), row["id"]),
        "agent_type": row["variant_name"],
        "quality_scores": {},
        "session_id": row["episode_id"],
        "latency_ms": row["processing_time_ms"],
        "tools_used": [],
        "error_occurred": False,
        "category": "haiku",
        "task": FUNCTION,
        "segment": SOURCE,
        **earlier,
    }


def _rating(row: dict[str, Any], inference: dict[str, Any]) -> Entry:
    given = rated_at(_answered(inference), row["id"])
    verdict = {"type": "feedback", "interaction_id": inference["id"], "reward": unit_rating(row["value"])}
    return Entry("reward_log", SOURCE, given, {**verdict, "timestamp": iso(given), "source": "human"})


def _correction(row: dict[str, Any], inference: dict[str, Any]) -> Entry:
    given = rated_at(_answered(inference), row["id"])
    record = {
        "id": row["id"],
        "brand_id": SOURCE,
        "task_type": FUNCTION,
        "prompt": _conversation(inference)[0],
        "model_output": content_text(json.loads(inference["output"]), inference["id"]),
        "feedback_type": "correction",
        "preferred_output": content_text(json.loads(row["value"]), row["id"]),
        "session_id": inference["episode_id"],
        "created_at": iso(given),
        "interaction_id": inference["id"],
    }
    return Entry("feedback_table", SOURCE, given, record)
