"""Log format `oasst_trees`: one conversation tree per line, as Open Assistant exports them.

{message_tree_id, prompt: {message_id, text, role: prompter or assistant, replies: [...], rank?, lang?, model_name?,
synthetic?, deleted?, created_date?}}. Every reply of an assistant is an answer to the turns above it. Of ranked
siblings the best (rank 0) is worth 1, the last 0. Deleted messages and their replies are dropped.
"""

from collections.abc import Iterator
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, number, required, text, timestamp

MESSAGE_FIELDS = (
    *("message_id", "parent_id", "text", "role", "replies", "rank", "lang", "model_name", "synthetic", "deleted"),
    *("created_date", "user_id", "emojis", "review_count", "review_result", "labels", "detoxify"),
)
FIELDS = ("message_tree_id", "prompt", "tree_state", "origin", *(f"prompt.{name}" for name in MESSAGE_FIELDS))
ROLE = {"prompter": "user", "assistant": "assistant"}
MAX_DEPTH = 200
Turns = list[dict[str, str]]


def records(row: Json, context: LineContext) -> Records:
    """The answers of a tree, and its ranks as rewards."""
    root = row.get("prompt")
    if not isinstance(root, dict):
        raise RejectedLineError("missing_field" if root is None else "wrong_type", "prompt")
    tree = Records()
    for message, turns, siblings in _messages(root, [], []):
        if message.get("role") == "assistant":
            tree.answers.append(_answer(row, message, turns, context))
            tree.feedback.extend(_rank(message, siblings, context))
    ids = [answer["interaction_id"] for answer in tree.answers]
    if len(set(ids)) < len(ids):
        raise RejectedLineError("duplicate_key", "message_id")
    return tree


def _messages(message: Any, turns: Turns, siblings: list[Json]) -> Iterator[tuple[Json, Turns, list[Json]]]:
    if not isinstance(message, dict) or text(message, "role") not in ROLE:
        raise RejectedLineError("wrong_type", "role")
    if len(turns) > MAX_DEPTH:
        raise RejectedLineError("too_long", f"a conversation of over {MAX_DEPTH} turns")
    if message.get("deleted") is True:
        return
    yield message, turns, siblings
    replies = message.get("replies") or []
    if not isinstance(replies, list):
        raise RejectedLineError("wrong_type", "replies")
    turn = {"role": ROLE[message["role"]], "content": required(text(message, "text"), "text")}
    for reply in replies:
        yield from _messages(reply, [*turns, turn], replies)


def _answer(row: Json, message: Json, turns: Turns, context: LineContext) -> dict[str, Any]:
    return {
        "interaction_id": required(identifier(message, "message_id"), "message_id"),
        "answered_at": timestamp(message, "created_date") or context.start,
        "prompt": turns,
        "answer": required(text(message, "text"), "text"),
        "category": text(message, "lang"),
        "model": text(message, "model_name"),
        "session_id": identifier(row, "message_tree_id"),
        "error": False,
    }


def _rank(message: Json, siblings: list[Json], context: LineContext) -> Iterator[dict[str, Any]]:
    ranked = [rank for other in siblings if isinstance(other, dict) and (rank := number(other, "rank")) is not None]
    rank = number(message, "rank")
    if rank is None or len(ranked) == 1 or max(ranked) == 0:
        return
    answer = identifier(message, "message_id")
    yield {
        "feedback_id": f"{answer}-rank",
        "interaction_id": answer,
        "given_at": timestamp(message, "created_date") or context.start,
        "kind": "reward",
        "value": 1 - rank / max(ranked),
        "raw_value": rank,
        "dimension": "overall",
        "source": "human",
    }
