"""Log format `oasst_trees`: a conversation tree a line, as Open Assistant exports them.

{message_tree_id, prompt: {message_id, text, role: prompter or assistant, replies: [...], rank?, lang?, model_name?,
synthetic?, deleted?, created_date?}}. Every reply of an assistant is an answer to the turns above it. Of ranked
siblings the best (rank 0) is worth 1, the last 0. Deleted messages and what follows them are left out.
"""

from collections.abc import Iterator
from typing import Any

from rl_assets.ingest.conversion import Reading, Records
from rl_assets.ingest.readings import Json, Refused, identity, moment, needed, number, text

ROLE = {"prompter": "user", "assistant": "assistant"}
MAX_DEPTH = 200
Turns = list[dict[str, str]]


def records(row: Json, reading: Reading) -> Records:
    """The answers of a tree and the judgements in its ranks."""
    root = row.get("prompt")
    if not isinstance(root, dict):
        raise Refused("missing_field" if root is None else "wrong_type", "prompt")
    found = Records()
    for message, turns, siblings in _messages(root, [], []):
        if message.get("role") == "assistant":
            found.answers.append(_answer(row, message, turns, reading))
            found.feedback.extend(_rank(message, siblings, reading))
    ids = [answer["interaction_id"] for answer in found.answers]
    if len(set(ids)) < len(ids):
        raise Refused("duplicate_key", "message_id")
    return found


def _messages(message: Any, turns: Turns, siblings: list[Json]) -> Iterator[tuple[Json, Turns, list[Json]]]:
    if not isinstance(message, dict) or message.get("role") not in ROLE:
        raise Refused("wrong_type", "role")
    if len(turns) > MAX_DEPTH:
        raise Refused("too_long", f"a conversation of over {MAX_DEPTH} turns")
    if message.get("deleted") is True:
        return
    yield message, turns, siblings
    replies = message.get("replies") or []
    if not isinstance(replies, list):
        raise Refused("wrong_type", "replies")
    said = {"role": ROLE[message["role"]], "content": needed(text(message, "text"), "text")}
    for reply in replies:
        yield from _messages(reply, [*turns, said], replies)


def _answer(row: Json, message: Json, turns: Turns, reading: Reading) -> dict[str, Any]:
    return {
        "interaction_id": needed(identity(message, "message_id"), "message_id"),
        "answered_at": moment(message, "created_date") or reading.start,
        "prompt": turns,
        "answer": needed(text(message, "text"), "text"),
        "category": text(message, "lang"),
        "model": text(message, "model_name"),
        "session_id": identity(row, "message_tree_id"),
        "error": False,
    }


def _rank(message: Json, siblings: list[Json], reading: Reading) -> Iterator[dict[str, Any]]:
    ranked = [rank for other in siblings if isinstance(other, dict) and (rank := number(other, "rank")) is not None]
    rank = number(message, "rank")
    if rank is None or len(ranked) == 1 or max(ranked) == 0:
        return
    answer = identity(message, "message_id")
    yield {
        "feedback_id": f"{answer}-rank",
        "interaction_id": answer,
        "given_at": moment(message, "created_date") or reading.start,
        "kind": "reward",
        "value": 1 - rank / max(ranked),
        "raw_value": rank,
        "dimension": "overall",
        "source": "human",
    }
