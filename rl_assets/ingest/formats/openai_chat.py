"""Log format `openai_chat`: stored completions, fine-tuning files and logged responses.

{messages: [{role, content}], choices?: [{message, finish_reason}], finish_reason?, id?, model?, created? (created_at,
timestamp), user?, metadata?: {task, segment, session_id, agent, category}, usage?: {total_tokens}, error?: {message},
feedback?: {rating (1 to 5, or the range of the metric `feedback.rating`), thumbs (up, down, or none, which takes a
thumb back), score, comment, correction, user_id}}. The answer is the first choice, else the last message if it is the
assistant's; the feedback is on it, and further choices are answers of their own (`<id>-1`). Contents are texts or lists
of parts, see `rl_assets.ingest.message_parts`. The id of a line without one is the hash of its content but for the
feedback; the time of a line without one is the start of its day.

Also read: a response of the Responses API with its input ({object: "response", input, output, instructions?, status?};
one that failed is an error without a text), and a line of a preference file ({input: {messages}, preferred_output,
non_preferred_output}).

Source: the SDK types `ChatCompletion` and `Response`; the formats of OpenAI's fine-tuning guide for `messages` (weight
0: not to be learnt) and preferences.
"""

from collections.abc import Callable
from typing import Any

from rl_assets.ingest.chat_messages import as_completion, finish_reason, read_message
from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_shapes import Turns
from rl_assets.ingest.parsers import (
    Json,
    RejectedLineError,
    identifier,
    number,
    rating,
    score,
    text,
    timestamp,
    unknown_kind,
)
from rl_assets.ingest.vendor_fields import shape_of
from rl_assets.metrics.scales import Metrics

FIELDS = (
    *("id", "object", "messages", "choices", "finish_reason", "stop_reason", "model", "user", "status", "error"),
    *("created", "created_at", "timestamp", "incomplete_details"),
    *("input", "output", "instructions", "preferred_output", "non_preferred_output", "metadata", "usage", "feedback"),
    *(f"feedback.{name}" for name in ("rating", "thumbs", "score", "comment", "correction", "user_id")),
)
Event = dict[str, Any]
THUMBS = {"up": 1.0, "down": 0.0, "none": None}


def records(row: Json, context: LineContext) -> Records:
    """The answers and the feedback on the first of them."""
    given = as_completion(row) if row.get("object") == "response" else row
    _refuse_other_lines(given)
    name = identifier(row, "id") or context.line_id(row, "feedback")
    times = (timestamp(given, field) for field in ("timestamp", "created", "created_at"))
    time = next(filter(None, times), context.start)
    usage, about = _object(row, "usage"), _object(row, "metadata")
    tokens = number(usage, "total_tokens")
    turns, replies = _preference(given) if "preferred_output" in given else _conversation(given)
    common = {
        "answered_at": time,
        "prompt": turns,
        "model": text(row, "model"),
        **{field: identifier(about, field) for field in ("task", "segment", "agent", "category", "session_id")},
        "user_id": identifier(row, "user"),
        "tokens": None if tokens is None else int(tokens),
        **_error(given),
    }
    names = [name, *(f"{name}-{number}" for number in range(1, len(replies)))]
    answers = [{"interaction_id": own, **common, **reply} for own, reply in zip(names, replies, strict=True)]
    act = {"interaction_id": name, "given_at": time, "dimension": "overall", "source": "human"}
    events, notes = _feedback(row, name, context)
    return Records(answers, [{**act, **event} for event in [*events, *_stated(replies, name, given)]], notes)


def _error(row: Json) -> dict[str, Any]:
    """Whether a response failed, and why."""
    error, failed = row.get("error"), row.get("object") == "response" and row.get("status") == "failed"
    message = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return {"error": failed or bool(error), "error_message": message if isinstance(message, str) and message else None}


def _refuse_other_lines(row: Json) -> None:
    """Raise the error of a line of another kind, which says what it is."""
    if row.get("object") == "chat.completion.chunk":
        raise RejectedLineError("unknown_kind", "object: a chunk of a streamed completion is no answer")
    if "custom_id" in row:
        raise RejectedLineError("unknown_kind", "custom_id: the batch API has questions and answers in two files")
    if row.get("messages") is None and "preferred_output" not in row:
        shape = "" if "messages" in row else f"; the line is {shape_of(row)}"
        raise RejectedLineError("missing_field", f"messages{shape}")


def _conversation(row: Json) -> tuple[Turns, list[dict[str, Any]]]:
    """The turns that were answered, and the answers to them."""
    messages = row["messages"]
    if not isinstance(messages, list):
        raise RejectedLineError("wrong_type", "messages")
    choices = row.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise RejectedLineError("wrong_type", "choices")
    turns = [read_message(message, "messages") for message in messages]
    if choices:
        replies = [_reply(choice.get("message"), choice, "choices") for choice in choices]
    elif turns and turns[-1].role == "assistant":
        replies = [_reply(messages[-1], row, "messages")]
        turns.pop()
    elif row.get("error"):
        replies = [{"answer": None}]
    else:
        raise RejectedLineError("missing_field", "an assistant's message at the end")
    return [turn.turn for turn in turns], replies


def _preference(row: Json) -> tuple[Turns, list[dict[str, Any]]]:
    """Of a line of a preference file: the turns, the better answer and the worse one."""
    asked = _messages(_object(row, "input").get("messages"), "input.messages")
    turns = [read_message(message, "input.messages").turn for message in asked]
    sides = ("preferred_output", "non_preferred_output")
    return turns, [_reply(_messages(row.get(side), side)[-1], {}, side) for side in sides]


def _messages(value: Any, field: str) -> list[Any]:
    """A list of messages that is not empty."""
    if not isinstance(value, list) or not value:
        raise RejectedLineError("wrong_type" if value else "missing_field", field)
    return value


def _reply(message: Any, choice: Json, field: str) -> dict[str, Any]:
    answer = read_message(message, field)
    if message.get("weight") == 0:
        raise RejectedLineError("unknown_kind", f"{field}.weight 0: an answer that is not to be learnt")
    reason = finish_reason(choice.get("finish_reason") or choice.get("stop_reason"), answer.refused)
    return {"answer": answer.content, "reasoning": answer.reasoning, "finish_reason": reason}


def _stated(replies: list[dict[str, Any]], name: str, row: Json) -> list[dict[str, Any]]:
    """The event of a line of a preference file."""
    if "preferred_output" not in row:
        return []
    better, worse = (reply["answer"] for reply in replies)
    return [{"kind": "preference", "preferred": better, "rejected": worse, "feedback_id": f"{name}-preference"}]


def _object(row: Json, field: str) -> Json:
    value = row.get(field)
    if value is not None and not isinstance(value, dict):
        raise RejectedLineError("wrong_type", field)
    return value or {}


def _feedback(row: Json, name: str, context: LineContext) -> tuple[list[dict[str, Any]], list[str]]:
    """The events of a line, and a note on each part that is none: it does not cost the answer."""
    events, notes = list[dict[str, Any]](), list[str]()
    try:
        given = _object(row, "feedback")
        rater = identifier(given, "user_id")
    except RejectedLineError as error:
        return [], [f"the feedback is not read: {error}"]
    for read in EVENTS:
        try:
            event = read(given, context.metrics)
        except RejectedLineError as error:
            notes.append(error.detail if error.reason == "out_of_range" else f"feedback: {error}")
        else:
            events += [{**event, "feedback_id": f"{name}-{_id_part(event)}", "rater": rater}] if event else []
    return events, notes


def _rating(given: Json, metrics: Metrics) -> Event | None:
    stars = number(given, "rating")
    return None if stars is None else {"kind": "rating", **rating(metrics, "feedback.rating", stars)}


def _thumb(given: Json, metrics: Metrics) -> Event | None:
    thumb = text(given, "thumbs")
    if thumb is None:
        return None
    if thumb not in THUMBS:
        raise unknown_kind(thumb, THUMBS, "feedback.thumbs")
    return {"kind": "thumbs" if thumb in ("up", "down") else "retraction", "value": THUMBS[thumb]}


def _score(given: Json, metrics: Metrics) -> Event | None:
    points = number(given, "score")
    return None if points is None else {"kind": "reward", **score(metrics, "score", points), "dimension": "overall"}


def _comment(given: Json, metrics: Metrics) -> Event | None:
    comment = text(given, "comment")
    return None if comment is None else {"kind": "comment", "comment": comment}


def _correction(given: Json, metrics: Metrics) -> Event | None:
    better = text(given, "correction")
    return None if better is None else {"kind": "correction", "preferred": better}


EVENTS: tuple[Callable[[Json, Metrics], Event | None], ...] = (_rating, _thumb, _score, _comment, _correction)


def _id_part(event: Event) -> str:
    """A thumb that is taken back has the id of the thumb."""
    return "thumbs" if event["kind"] == "retraction" else str(event["kind"])
