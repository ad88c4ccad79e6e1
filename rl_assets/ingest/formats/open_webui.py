"""Log format `open_webui`: the feedback history that Open WebUI exports (Admin, Evaluations, Feedbacks, Export).

Source: `FeedbackModel`, `RatingData`, `SnapshotData` of open-webui/open-webui (backend/open_webui/models/feedbacks.py).
One feedback per line, an element of the exported array: {id, user_id, type, created_at, updated_at, data: {rating:
1 or -1 (also as text), model_id, sibling_model_ids?, reason?, comment?, details?: {rating: 1 to 10}}, meta: {chat_id,
message_id, arena?}, snapshot?: {chat: {chat: {history: {messages: {id: {role, content, parentId, childrenIds, model,
timestamp}}}, messages?, params?: {system}}}}}.

The rated message of the snapshot is the answer, the messages above it are its prompt. A rating is a thumb; the rating
from 1 to 10 is of the dimension `details.rating`; the reason and the comment are a comment. An answer that won or lost
against those of other models to the same message is also a preference over each of these, as in the leaderboard of Open
WebUI. Without a snapshot, a line is feedback on an answer that is logged elsewhere under its message id. Blocks of
reasoning and tools, which Open WebUI hides, are no part of a text; pictures, sounds and files that a message has are.
"""

import re
from collections.abc import Iterator
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_parts import MEDIA_TYPES, message_text, with_files
from rl_assets.ingest.parsers import (
    Json,
    RejectedLineError,
    identifier,
    number,
    required,
    score,
    text,
    timestamp,
    unknown_kind,
)
from rl_assets.ingest.vendor_fields import comment_events, feedback_events, joined, object_in, shape_of, thumb_event
from rl_assets.ingest.vendor_messages import read_turns
from rl_assets.metrics.scales import Metric

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = (*("id", "user_id", "user", "version", "type", "data", "meta", "snapshot", "created_at", "updated_at"),)
HIDDEN = re.compile(
    r"<details\b[^>]*\btype=\"(?:reasoning|tool_calls|code_interpreter)\"[^>]*>.*?</details>\s*", re.DOTALL
)
THUMBS = {"1": True, "-1": False}
DETAILS = "details.rating"
DETAILS_SCALE = Metric(worst=1, best=10)
MAX_DEPTH = 1_000
CHAT_EXPORT = "an export of chats: export the feedback instead (Admin Panel, Evaluations, Feedback)"
Messages = dict[str, dict[str, Any]]


def records(row: Json, context: LineContext) -> Records:
    """The rated answer of a snapshot, and what was said of it."""
    if "chat" in row and "data" not in row:
        raise RejectedLineError("unknown_kind", CHAT_EXPORT)
    if "data" not in row or "meta" not in row:
        raise RejectedLineError("unknown_kind", f"not a feedback with data and meta: {shape_of(row)}")
    data, meta = object_in(row, "data"), object_in(row, "meta")
    name = required(identifier(meta, "message_id"), "meta.message_id")
    given_at = timestamp(row, "updated_at") or timestamp(row, "created_at") or context.start
    chat = _chat(row)
    messages = _messages(chat)
    answers = [_answer(row, data, meta, chat, messages, name, context)] if name in messages else []
    events = [*_events(data, context), *_preferences(data, messages, name)]
    common = {"interaction_id": name, "given_at": given_at, "rater": identifier(row, "user_id")}
    given = required(identifier(row, "id"), "id")
    named = ({**event, "feedback_id": f"{given}-{event.get('feedback_id', event['kind'])}"} for event in events)
    return Records(answers, feedback_events(named, **common))


def _chat(row: Json) -> dict[str, Any]:
    """The chat inside the chat of the snapshot."""
    outer = object_in(object_in(row, "snapshot"), "chat")
    return object_in(outer, "chat") or outer


def _owner(row: Json) -> str | None:
    """Who asked: the owner of the chat, who may be another than the rater."""
    return identifier(object_in(object_in(row, "snapshot"), "chat"), "user_id") or identifier(row, "user_id")


def _messages(chat: Json) -> Messages:
    """The messages of a chat by id."""
    by_id = object_in(object_in(chat, "history"), "messages")
    listed = chat.get("messages")
    messages = [*by_id.values(), *(listed if isinstance(listed, list) else [])]
    return {str(each["id"]): each for each in reversed(messages) if isinstance(each, dict) and each.get("id")}


def _answer(
    row: Json, data: Json, meta: Json, chat: Json, messages: Messages, name: str, context: LineContext
) -> dict[str, Any]:
    message = messages[name]
    if message.get("role") != "assistant":
        raise RejectedLineError("wrong_type", f"the rated message is of the role {message.get('role')}")
    usage = message.get("usage")
    tokens = number(usage, "total_tokens") if isinstance(usage, dict) else None
    error = message.get("error")
    return {
        "interaction_id": name,
        "answered_at": timestamp(message, "timestamp") or timestamp(row, "created_at") or context.start,
        "prompt": _prompt(chat, messages, message),
        "answer": _visible(message),
        "model": text(data, "model_id") or text(message, "model"),
        "tokens": None if tokens is None else int(tokens),
        "session_id": identifier(meta, "chat_id"),
        "user_id": _owner(row),
        "error": bool(error),
        "error_message": joined([error.get("content") if isinstance(error, dict) else error]),
    }


def _prompt(chat: Json, messages: Messages, message: Json) -> list[dict[str, str]]:
    above: list[dict[str, Any]] = []
    parent = messages.get(str(message.get("parentId")))
    while parent is not None:
        if len(above) > MAX_DEPTH:
            raise RejectedLineError("too_long", f"a conversation of over {MAX_DEPTH} turns")
        above.insert(0, {"role": parent.get("role"), "content": _visible(parent)})
        parent = messages.get(str(parent.get("parentId")))
    params = chat.get("params")
    system = chat.get("system") or (params.get("system") if isinstance(params, dict) else None)
    return read_turns(above or None, "the messages above the rated one", system)


def _visible(message: Json) -> Any:
    """What a user sees of a message, with what is attached to it."""
    content, files = message.get("content"), message.get("files")
    if isinstance(content, str) and "<details" in content:
        content = HIDDEN.sub("", content).strip()
    attached = [_attached(each) for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    shown = with_files(content, [each for each in attached if each["type"] in MEDIA_TYPES])
    return message_text(shown, "files") if shown is not content else content


def _attached(file: Json) -> dict[str, Any]:
    """What identifies a file, without the text that was read from it; a document is of the type `doc`."""
    kind = "file" if file.get("type") == "doc" else str(file.get("type"))
    return {"type": kind, **{name: file[name] for name in ("id", "name", "url") if isinstance(file.get(name), str)}}


def _events(data: Json, context: LineContext) -> Iterator[dict[str, Any]]:
    if (given := data.get("rating")) not in (None, "", 0, "0"):
        thumb = THUMBS.get(str(int(given) if isinstance(given, float) and given.is_integer() else given))
        if thumb is None or isinstance(given, bool):
            raise unknown_kind(str(given), THUMBS, "data.rating")
        yield thumb_event(thumb)
    if (points := number(object_in(data, "details"), "rating")) is not None:
        metrics = {DETAILS: DETAILS_SCALE, **context.metrics}
        yield {"kind": "rating", **score(metrics, DETAILS, points)}
    tags = data.get("reasons")
    yield from comment_events(
        joined([data.get("reason"), *(tags if isinstance(tags, list) else []), data.get("comment")])
    )


def _preferences(data: Json, messages: Messages, name: str) -> Iterator[dict[str, Any]]:
    """A preference against each answer of another model to the same message, if the rating compared them."""
    thumb = THUMBS.get(str(data.get("rating")))
    if name not in messages or thumb is None or not data.get("sibling_model_ids"):
        return
    own = _visible(messages[name])
    for key, other in messages.items():
        is_sibling = other.get("parentId") == messages[name].get("parentId") and other.get("role") == "assistant"
        text_of_other = _visible(other)
        if key == name or not is_sibling or not isinstance(text_of_other, str) or text_of_other in ("", own):
            continue
        better, worse = (own, text_of_other) if thumb else (text_of_other, own)
        yield {"kind": "preference", "preferred": better, "rejected": worse, "feedback_id": f"preference-{key}"}
