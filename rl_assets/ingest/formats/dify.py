"""Log format `dify`: messages, feedback and annotations that Dify exports.

Source: `message_detail_fields` and `annotation_fields` (api/fields/conversation_fields.py), `message_fields` of the
service API (api/fields/message_fields.py) and `FeedbackService` (api/services/feedback_service.py) of langgenius/dify.

- A message {id, conversation_id, query, answer, message?: [{role, text}], inputs, feedback?: {rating: like, dislike or
  null}, feedbacks?: [{rating, content, from_source: user or admin, from_end_user_id, from_account}], annotation?: {id,
  content, account}, status, error, metadata: {usage}, created_at} is an answer; a like is a thumb, `content` a comment,
  an annotation the correction. `message` is the prompt that the model got; without it, the query is. `message_files`
  are of the last question, or of the answer if they belong to the assistant. Blocks `Thinking...`, which Dify writes
  into answers as HTML, are what the model thought.
- A row of the feedback export {feedback_id, message_id, user_query, ai_response, feedback_rating_raw, feedback_comment,
  feedback_source, feedback_date, message_date}. Dify cuts an `ai_response` after 500 characters: such a row is feedback
  on an answer that is logged elsewhere.
- An annotation {id, question, answer or content, hit_count, created_at} is an answer that people wrote, with thumbs up.
- A page {data: [...]} or export {feedback_data: [...]} of these. An element that cannot be read is an answer without a
  text, and its `error_message` says why.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_parts import MEDIA, message_text, with_files
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import (
    Json,
    RejectedLineError,
    identifier,
    number,
    required,
    text,
    timestamp,
    unknown_kind,
)
from rl_assets.ingest.vendor_fields import (
    comment_events,
    feedback_events,
    first_of,
    joined,
    object_in,
    objects_in,
    records_of_parts,
    shape_of,
    thumb_event,
    whole,
)
from rl_assets.ingest.vendor_messages import read_turns

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = (
    *("id", "message_id", "conversation_id", "parent_message_id", "workflow_run_id", "query", "answer"),
    *("content", "message", "inputs", "message_files", "retriever_resources", "extra_contents"),
    *("feedback", "feedbacks", "annotation", "annotation_hit_history", "agent_thoughts", "status"),
    *("error", "metadata", "message_tokens", "answer_tokens", "provider_response_latency", "from_source"),
    *("from_end_user_id", "from_account_id", "from_account_name", "user", "app_id", "app_name"),
    *("model_id", "model_provider", "conversation_name", "feedback_id", "user_query", "ai_response"),
    *("feedback_rating", "feedback_rating_raw", "feedback_comment", "feedback_source", "feedback_date"),
    *("message_date", "has_comment", "rating", "question", "hit_count", "created_at", "updated_at"),
    *("data", "feedback_data", "export_info", "has_more", "limit", "page", "total"),
)
THUMBS = {"like": True, "dislike": False}
PAGES = ("data", "feedback_data")
THINKING = re.compile(
    r"<details\b[^>]*>\s*<summary>\s*Thinking\.\.\.\s*</summary>(.*?)(?:</details>|\Z)", re.DOTALL | re.IGNORECASE
)
CUT_CHARACTERS = 503  # 500 characters and three dots


def records(row: Json, context: LineContext) -> Records:
    """The answers and feedback of a message, an annotation, a row of the feedback export, or a page of them."""
    for field in PAGES:
        if isinstance(row.get(field), list):
            return _page(objects_in(row, field), field, context)
    if "message_id" in row and "ai_response" in row:
        return _exported_feedback(row, context)
    if "query" in row and "answer" in row:
        return _message(row, context)
    if "question" in row and ("answer" in row or "content" in row):
        return _annotation(row, context)
    raise RejectedLineError("unknown_kind", f"no message, annotation or exported feedback: {shape_of(row)}")


def _page(rows: list[dict[str, Any]], field: str, context: LineContext) -> Records:
    return records_of_parts(
        ((f"{field}[{place}]", _name(row), partial(_element, row, context)) for place, row in enumerate(rows)),
        context.start,
    )


def _name(row: Json) -> str | None:
    name = first_of(row, "message_id", "id")
    return name if isinstance(name, str) else None


def _element(row: Json, context: LineContext) -> Records:
    if any(isinstance(row.get(field), list) for field in PAGES):
        raise RejectedLineError("wrong_type", "a page inside a page")
    return records(row, context)


def _message(row: Json, context: LineContext) -> Records:
    name = required(identifier(row, "id"), "id")
    time = timestamp(row, "created_at") or context.start
    user = first_of(row, "from_end_user_id", "from_account_id", "user")
    usage = object_in(object_in(row, "metadata"), "usage")
    seconds, error = number(row, "provider_response_latency"), text(row, "error")
    answer = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": _prompt(row),
        **_answer(row),
        "agent": text(row, "app_name"),
        "model": text(row, "model_id"),
        "latency_ms": None if seconds is None else seconds * 1000,
        "tokens": whole(number(usage, "total_tokens")),
        "cost_usd": number(usage, "total_price") if usage.get("currency", "USD") == "USD" else None,
        "tools_used": [tool for each in objects_in(row, "agent_thoughts") if (tool := text(each, "tool"))] or None,
        "session_id": identifier(row, "conversation_id"),
        "user_id": identifier({"user": user}, "user"),
        "error": row.get("status") == "error" or bool(error),
        "error_message": error or None,
    }
    events = [*_feedback(row, name), *_annotated(row, name)]
    return Records([answer], feedback_events(events, interaction_id=name, given_at=time))


def _prompt(row: Json) -> list[dict[str, str]]:
    """The prompt that the model got, if it is logged; else the query, after the variables of the app if it is empty."""
    files = _files(row, "user")
    if isinstance(sent := decode(row.get("message")), list) and sent:
        turns = read_turns(sent, "message")
        turns = [*map(_without_thoughts, turns[:-1] if turns[-1]["role"] == "assistant" else turns)]
        has_files = any(MEDIA in turn["content"] for turn in turns)
        return turns if has_files else [*turns[:-1], _with_files(turns[-1], files)]
    query = required(text(row, "query"), "query")
    inputs = [f"{key}: {value}" for key, value in object_in(row, "inputs").items() if isinstance(value, str) and value]
    turn = {"role": "user", "content": query if query.strip() or not inputs else "\n".join(inputs)}
    return [_with_files(turn, files)]


def _answer(row: Json) -> dict[str, str | None]:
    """The text of an answer, with the assistant's files, and what the model thought."""
    answer, reasoning = _said_and_thought(required(text(row, "answer"), "answer"))
    return {"answer": message_text(with_files(answer, _files(row, "assistant")), "answer"), "reasoning": reasoning}


def _said_and_thought(written: str) -> tuple[str, str | None]:
    if "<details" not in written:
        return written, None
    thoughts = [thought for block in THINKING.findall(written) if (thought := block.strip())]
    said = THINKING.sub("", written)
    return (said if said == written else said.strip()), "\n".join(thoughts) or None


def _without_thoughts(turn: dict[str, str]) -> dict[str, str]:
    return {**turn, "content": _said_and_thought(turn["content"])[0]} if turn["role"] == "assistant" else turn


def _files(row: Json, owner: str) -> list[Json]:
    """What identifies the files of the user or of the assistant: the link of one without an id, for links change."""
    given = decode(row.get("message_files"))
    files = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    own = [each for each in files if (each.get("belongs_to") or "user") == owner]
    names = [("type", "id", "filename") if each.get("id") else ("type", "filename", "url") for each in own]
    return [{name: each[name] for name in known if each.get(name)} for each, known in zip(own, names, strict=True)]


def _with_files(turn: dict[str, str], files: list[Json]) -> dict[str, str]:
    return {**turn, "content": message_text(with_files(turn["content"], files), "message_files")}


def _feedback(row: Json, name: str) -> Iterator[dict[str, Any]]:
    """The thumbs and comments of a message: each of the console's list, else the one of the service API."""
    given = objects_in(row, "feedbacks") or [object_in(row, "feedback")]
    for place, each in enumerate(given):
        account = each.get("from_account")
        rater = first_of(each, "from_end_user_id", "from_account_id") or (
            first_of(account, "id", "email", "name") if isinstance(account, dict) else None
        )
        own = {"rater": rater or first_of(row, "from_end_user_id", "from_account_id")}
        part = each.get("from_source") or "user"
        for event in (*_thumb(each.get("rating"), "feedbacks.rating"), *comment_events(joined([each.get("content")]))):
            yield {**own, **event, "feedback_id": f"{name}-{part}-{rater or place}-{event['kind']}"}


def _thumb(rating: Any, field: str) -> list[dict[str, Any]]:
    if rating in (None, ""):
        return []
    if not isinstance(rating, str) or rating not in THUMBS:
        raise unknown_kind(str(rating), THUMBS, field)
    return [thumb_event(THUMBS[rating])]


def _annotated(row: Json, name: str) -> Iterator[dict[str, Any]]:
    note = object_in(row, "annotation")
    better = first_of(note, "content", "answer")
    if isinstance(better, str) and better not in (row.get("answer"), _said_and_thought(row["answer"])[0]):
        account = note.get("account")
        yield {
            "kind": "correction",
            "preferred": _said_and_thought(better)[0],
            "rater": first_of(account, "id", "email", "name") if isinstance(account, dict) else None,
            "feedback_id": identifier(note, "id") or f"{name}-annotation",
        }


def _exported_feedback(row: Json, context: LineContext) -> Records:
    name = required(identifier(row, "message_id"), "message_id")
    given = required(identifier(row, "feedback_id"), "feedback_id")
    answer = required(text(row, "ai_response"), "ai_response")
    rater = first_of(row, "from_end_user_id", "from_account_name")
    common = {
        "interaction_id": name,
        "given_at": timestamp(row, "feedback_date") or context.start,
        "rater": rater,
    }
    rating = first_of(row, "feedback_rating_raw", "rating")
    events = [*_thumb(rating, "feedback_rating_raw"), *comment_events(joined([row.get("feedback_comment")]))]
    named = [{**event, "feedback_id": f"{given}-{event['kind']}"} for event in events]
    is_cut = len(answer) == CUT_CHARACTERS and answer.endswith("...")
    return Records([] if is_cut else [_exported_answer(row, name, answer, context)], feedback_events(named, **common))


def _exported_answer(row: Json, name: str, answer: str, context: LineContext) -> dict[str, Any]:
    return {
        "interaction_id": name,
        "answered_at": timestamp(row, "message_date") or context.start,
        "prompt": [{"role": "user", "content": required(text(row, "user_query"), "user_query")}],
        **_answer({"answer": answer}),
        "agent": text(row, "app_name"),
        "session_id": identifier(row, "conversation_id"),
        "error": False,
    }


def _annotation(row: Json, context: LineContext) -> Records:
    name = f"annotation-{required(identifier(row, 'id'), 'id')}"
    time = timestamp(row, "created_at") or context.start
    answer = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": [{"role": "user", "content": required(text(row, "question"), "question")}],
        "answer": required(first_of(row, "answer", "content"), "answer"),
        "agent": "annotation",
        "error": False,
    }
    event = {**thumb_event(True), "feedback_id": f"{name}-thumbs"}
    return Records([answer], feedback_events([event], interaction_id=name, given_at=time))
