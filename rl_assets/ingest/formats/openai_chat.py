"""Log format `openai_chat`: stored completions and fine-tuning files.

{messages: [{role, content}], choices?: [{message}], id?, model?, created? or timestamp?, user?, metadata?: {task,
segment, session_id, agent, category}, usage?: {total_tokens}, feedback?: {rating (1 to 5), thumbs (up or down),
score, comment, correction, user_id}}. The answer is the first choice, else the last message where it is the
assistant's. Contents are texts or lists of parts. A line without an id has the hash of its content as one; without a
time it counts from the start of its day.
"""

from typing import Any

from rl_assets.ingest.conversion import Reading, Records
from rl_assets.ingest.readings import Json, Refused, content, identity, moment, needed, number, role, score, text

THUMBS = {"up": 1.0, "down": 0.0}
STARS = range(1, 6)


def records(row: Json, reading: Reading) -> Records:
    """The answer and what was thought of it."""
    turns = _turns(row)
    choices = row.get("choices")
    if choices:
        answer = _message(choices[0].get("message") if isinstance(choices[0], dict) else None, "choices")["content"]
    elif turns and turns[-1]["role"] == "assistant":
        answer = turns.pop()["content"]
    else:
        raise Refused("missing_field", "an assistant's message at the end")
    name = identity(row, "id") or reading.line_id
    time = moment(row, "timestamp") or moment(row, "created") or reading.start
    usage, about = _object(row, "usage"), _object(row, "metadata")
    tokens = number(usage, "total_tokens")
    found = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": turns,
        "answer": answer,
        "model": text(row, "model"),
        **{field: text(about, field) for field in ("task", "segment", "agent", "category")},
        "session_id": identity(about, "session_id"),
        "user_id": identity(row, "user"),
        "tokens": None if tokens is None else int(tokens),
        "error": False,
    }
    common = {"interaction_id": name, "given_at": time, "dimension": "overall", "source": "human"}
    return Records([found], [{**common, **act} for act in _acts(_object(row, "feedback"), name, reading)])


def _turns(row: Json) -> list[dict[str, str]]:
    messages = needed(row.get("messages"), "messages")
    if not isinstance(messages, list):
        raise Refused("wrong_type", "messages")
    return [_message(message, "messages") for message in messages]


def _message(message: Any, field: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise Refused("wrong_type", field)
    said = message.get("content")
    if said is None and message.get("tool_calls"):
        said = [message["tool_calls"]]
    return {"role": role(message.get("role"), field), "content": content(said, field)}


def _object(row: Json, field: str) -> Json:
    value = row.get(field)
    if value is not None and not isinstance(value, dict):
        raise Refused("wrong_type", field)
    return value or {}


def _acts(said: Json, name: str, reading: Reading) -> list[dict[str, Any]]:
    acts: list[dict[str, Any]] = []
    if (stars := number(said, "rating")) is not None:
        if not STARS[0] <= stars <= STARS[-1]:
            raise Refused("out_of_range", "feedback.rating")
        acts.append({"kind": "rating", "value": (stars - 1) / 4, "raw_value": stars})
    if (thumb := text(said, "thumbs")) is not None:
        if thumb not in THUMBS:
            raise Refused("unknown_kind", "feedback.thumbs")
        acts.append({"kind": "thumbs", "value": THUMBS[thumb]})
    if (points := number(said, "score")) is not None:
        acts.append({"kind": "reward", **score(reading.metrics, "score", points), "dimension": "overall"})
    if (comment := text(said, "comment")) is not None:
        acts.append({"kind": "comment", "comment": comment})
    if (better := text(said, "correction")) is not None:
        acts.append({"kind": "correction", "preferred": better})
    rater = identity(said, "user_id")
    return [{**act, "feedback_id": f"{name}-{act['kind']}", "rater": rater} for act in acts]
