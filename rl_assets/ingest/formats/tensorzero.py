"""Log format `tensorzero`: rows that the TensorZero gateway stores, as exported from its database.

Inferences {id (UUIDv7), function_name, variant_name, episode_id, input, output, processing_time_ms, tags}, where
`input` and `output` are JSON inside a text; boolean and float feedback {id, target_id, metric_name, value}; comments
{id, target_id, target_type, value}; demonstrations {id, inference_id, value}. A target is an inference or an episode
(the `session_id` of its answers). Times are part of the ids. Metric ranges are settings. Datapoints and tags are
rejected.
"""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_parts import message_text
from rl_assets.ingest.parsers import (
    Json,
    RejectedLineError,
    identifier,
    number,
    parse_json,
    required,
    role,
    score,
    text,
)
from rl_assets.ingest.times import EPOCH, YEARS
from rl_assets.ingest.vendor_fields import flag_of

# The columns that are read, and those of TensorZero's tables that say nothing of an answer.
FIELDS = (
    *("id", "function_name", "variant_name", "episode_id", "input", "output", "processing_time_ms", "tags"),
    *("model_name", "target_id", "metric_name", "value", "inference_id", "target_type", "dataset_name", "key"),
    *("timestamp", "tool_params", "inference_params", "output_schema", "ttft_ms", "extra_body", "snapshot_hash"),
)
EVALUATOR = "tensorzero::evaluation_name::"  # prefix of metrics that its own evaluations compute
UUID_VERSION = 7


def records(row: Json, context: LineContext) -> Records:
    """The answer or the feedback event that a row holds."""
    if "dataset_name" in row or "key" in row:
        raise RejectedLineError("unknown_kind", "a datapoint" if "dataset_name" in row else "a tag")
    if "function_name" in row:
        return Records(answers=[_answer(row)])
    return Records(feedback=[{**_event(row, context), "feedback_id": _event_id(row), "given_at": _time(row)}])


def _event_id(row: Json) -> str:
    """The row's id; it is unique within a metric's table only, so the metric is part of it."""
    return "-".join(filter(None, [identifier(row, "id"), text(row, "metric_name")]))


def _answer(row: Json) -> dict[str, Any]:
    return {
        "interaction_id": identifier(row, "id"),
        "answered_at": _time(row),
        "prompt": _prompt(_decoded(row, "input")),
        "answer": _output(_decoded(row, "output")),
        "agent": text(row, "variant_name"),
        "task": required(text(row, "function_name"), "function_name"),
        "model": text(row, "model_name"),
        "latency_ms": number(row, "processing_time_ms"),
        "session_id": identifier(row, "episode_id"),
        "error": False,
    }


def _event(row: Json, context: LineContext) -> dict[str, Any]:
    if "inference_id" in row:
        target, fields = "inference_id", {"kind": "correction", "preferred": _output(_decoded(row, "value"))}
    elif "metric_name" in row:
        name = required(text(row, "metric_name"), "metric_name")
        source = "judge" if name.startswith(EVALUATOR) else "human"
        target, fields = "target_id", {"kind": "reward", "source": source, **score(context.metrics, name, _value(row))}
    elif "target_type" in row:
        target, fields = "target_id", {"kind": "comment", "comment": required(text(row, "value"), "value")}
    else:
        raise RejectedLineError(
            "unknown_kind", "neither an inference (function_name) nor feedback (metric_name, inference_id, target_type)"
        )
    answer = required(identifier(row, target), target)
    return {"interaction_id": answer, "source": "human", "dimension": "overall", **fields}


def _value(row: Json) -> float:
    if (flag := flag_of(row.get("value"))) is not None:
        return float(flag)
    return float(required(number(row, "value"), "value"))


def _time(row: Json) -> datetime:
    name = required(identifier(row, "id"), "id")
    try:
        uuid = UUID(name)
    except ValueError:
        raise RejectedLineError("wrong_type", "id") from None
    # RFC 9562, 5.7: the first 48 bits are unix time in milliseconds.
    time = EPOCH + timedelta(milliseconds=uuid.int >> 80)
    if uuid.version != UUID_VERSION or time.year not in YEARS:
        raise RejectedLineError("bad_timestamp", "id")
    return time


def _decoded(row: Json, field: str) -> Any:
    value = required(row.get(field), field)
    try:
        return parse_json(value) if isinstance(value, str) else value
    except RejectedLineError:
        raise RejectedLineError("wrong_type", field) from None


def _prompt(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        raise RejectedLineError("wrong_type", "input")
    system = value.get("system")
    turns = [] if system is None else [{"role": "system", "content": _template(system)}]
    return turns + [_turn(message) for message in value["messages"]]


def _turn(message: Any) -> dict[str, str]:
    if not isinstance(message, dict):
        raise RejectedLineError("wrong_type", "input.messages")
    content = message.get("content")
    if isinstance(content, list):
        content = [_block(block) for block in content]
    return {"role": role(message.get("role"), "input"), "content": message_text(content, "input")}


def _block(block: Any) -> Any:
    """Arguments of a template stand where its text would; tool calls, results and images stay as they are."""
    if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("value"), dict):
        return _template(block["value"])
    return block


def _template(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _output(value: Any) -> str | None:
    if isinstance(value, dict):
        return text(value, "raw")
    return message_text(value, "output")
