"""Log format `openai_chat`: stored completions and fine-tuning files.

{messages: [{role, content}], choices?: [{message}], id?, model?, created? or timestamp?, user?, metadata?: {task,
segment, session_id, agent, category}, usage?: {total_tokens}, feedback?: {rating (1 to 5, or the range of the metric
`feedback.rating`), thumbs (up, down, or none, which takes a thumb back), score, comment, correction, user_id}}. The
answer is the first choice, else the last message if it is the assistant's. Contents are texts or lists of parts. The id
of a line without one is the hash of its content but for the feedback; the time of a line without one is the start of
its day.
"""

from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.parsers import (
    Json,
    RejectedLineError,
    identifier,
    message_text,
    number,
    rating,
    required,
    role,
    score,
    text,
    timestamp,
    unknown_kind,
)

THUMBS = {"up": 1.0, "down": 0.0, "none": None}


def records(row: Json, context: LineContext) -> Records:
    """The answer and its feedback."""
    turns = _turns(row)
    choices = row.get("choices")
    if choices:
        answer = _message(choices[0].get("message") if isinstance(choices[0], dict) else None, "choices")["content"]
    elif turns and turns[-1]["role"] == "assistant":
        answer = turns.pop()["content"]
    else:
        raise RejectedLineError("missing_field", "an assistant's message at the end")
    name = identifier(row, "id") or context.line_id(row, "feedback")
    time = timestamp(row, "timestamp") or timestamp(row, "created") or context.start
    usage, about = _object(row, "usage"), _object(row, "metadata")
    tokens = number(usage, "total_tokens")
    answer_row = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": turns,
        "answer": answer,
        "model": text(row, "model"),
        **{field: text(about, field) for field in ("task", "segment", "agent", "category")},
        "session_id": identifier(about, "session_id"),
        "user_id": identifier(row, "user"),
        "tokens": None if tokens is None else int(tokens),
        "error": False,
    }
    common = {"interaction_id": name, "given_at": time, "dimension": "overall", "source": "human"}
    return Records([answer_row], [{**common, **event} for event in _feedback(_object(row, "feedback"), name, context)])


def _turns(row: Json) -> list[dict[str, str]]:
    messages = required(row.get("messages"), "messages")
    if not isinstance(messages, list):
        raise RejectedLineError("wrong_type", "messages")
    return [_message(message, "messages") for message in messages]


def _message(message: Any, field: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise RejectedLineError("wrong_type", field)
    content = message.get("content")
    if content is None and message.get("tool_calls"):
        content = [message["tool_calls"]]
    return {"role": role(message.get("role"), field), "content": message_text(content, field)}


def _object(row: Json, field: str) -> Json:
    value = row.get(field)
    if value is not None and not isinstance(value, dict):
        raise RejectedLineError("wrong_type", field)
    return value or {}


def _feedback(given: Json, name: str, context: LineContext) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    if (stars := number(given, "rating")) is not None:
        events.append({"kind": "rating", **rating(context.metrics, "feedback.rating", stars)})
    if (thumb := text(given, "thumbs")) is not None:
        if thumb not in THUMBS:
            raise unknown_kind(thumb, THUMBS, "feedback.thumbs")
        events.append({"kind": "thumbs" if thumb in ("up", "down") else "retraction", "value": THUMBS[thumb]})
    if (points := number(given, "score")) is not None:
        events.append({"kind": "reward", **score(context.metrics, "score", points), "dimension": "overall"})
    if (comment := text(given, "comment")) is not None:
        events.append({"kind": "comment", "comment": comment})
    if (better := text(given, "correction")) is not None:
        events.append({"kind": "correction", "preferred": better})
    rater = identifier(given, "user_id")
    return [{**event, "feedback_id": f"{name}-{_id_part(event)}", "rater": rater} for event in events]


def _id_part(event: dict[str, Any]) -> str:
    """A thumb that is taken back has the id of the thumb."""
    return "thumbs" if event["kind"] == "retraction" else str(event["kind"])
