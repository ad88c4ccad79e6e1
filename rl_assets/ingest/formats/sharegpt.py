"""Log format `sharegpt`: conversations in the form of ShareGPT, as training tools exchange them.

Source: the ShareGPT format of LLaMA-Factory (data/README.md) and of FastChat (docs/training.md).
{id?, conversations: [{from, value}], system?, chosen?: {from, value}, rejected?: {from, value}, label? or kto_tag?:
true or false, model?, category?, images? or image?, videos?, audios?}; `conversation` and `messages`, and {role,
content} for {from, value}, are read too.

The last turn is the answer, if it is the assistant's (gpt, chatgpt, assistant, model, function_call); the turns above
it are the prompt. `chosen` and `rejected` are a preference, with the chosen text as the answer. `label` is a thumb. The
id of a line without one is the hash of its content but for the label; the time is the start of its day.
"""

import re
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_parts import message_text, with_files
from rl_assets.ingest.message_shapes import Turns, decode
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, required, text
from rl_assets.ingest.vendor_fields import feedback_events, first_of, flag_of, shape_of, thumb_event
from rl_assets.ingest.vendor_messages import read_answer, read_turns

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = (
    *("id", "conversations", "conversation", "messages", "system", "system_prompt", "tools", "chosen"),
    *("rejected", "label", "kto_tag", "model", "category", "images", "videos", "audios", "image", "video", "audio"),
)
MEDIA_KINDS = ("image", "video", "audio")
# Where a picture stands if no column holds it: at an end of a text, for within one it may be about XML.
PLACEHOLDER = re.compile(r"\A\s*<(image|video|audio)>|<(image|video|audio)>\s*\Z")
TURNS = ("conversations", "conversation", "messages")
LABELS = ("label", "kto_tag")


def records(row: Json, context: LineContext) -> Records:
    """The answer of a conversation, and what its labels say of it."""
    field = next((name for name in TURNS if row.get(name)), None)
    if field is None:
        raise RejectedLineError("missing_field", f"conversations in {shape_of(row)}")
    turns = _with_media(row, read_turns(row[field], field, row.get("system") or row.get("system_prompt")))
    label = next((name for name in LABELS if row.get(name) is not None), None)
    name = identifier(row, "id") or context.line_id(row, label or "label")
    pair = _pair(row)
    answer_row = {
        "interaction_id": name,
        "answered_at": context.start,
        "prompt": turns if pair else _without_answer(turns, field),
        "answer": pair[0] if pair else turns[-1]["content"],
        "model": text(row, "model"),
        "category": text(row, "category"),
        "error": False,
    }
    events = [{"kind": "preference", "preferred": pair[0], "rejected": pair[1]}] if pair else []
    events += [thumb_event(_flag(row, label))] if label else []
    named = [{**event, "feedback_id": f"{name}-{event['kind']}"} for event in events]
    return Records([answer_row], feedback_events(named, interaction_id=name, given_at=context.start))


def _with_media(row: Json, turns: Turns) -> Turns:
    """The turns with the pictures, videos and sounds of the columns, in the first turn that has a placeholder of them,
    else in the user's first; without columns a placeholder stands for one itself."""
    held = {kind: value for kind in MEDIA_KINDS if (value := decode(row.get(f"{kind}s") or row.get(kind)))}
    if not held:
        return [_with(turn, _placeholder(turn)) for turn in turns]
    named = [place for place, turn in enumerate(turns) if any(f"<{kind}>" in turn["content"] for kind in held)]
    asked = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
    place = [*named, *asked, 0][0]
    return [*turns[:place], _with(turns[place], held), *turns[place + 1 :]]


def _placeholder(turn: dict[str, str]) -> dict[str, Any]:
    match = PLACEHOLDER.search(turn["content"]) if turn["role"] == "user" else None
    kind = match and (match[1] or match[2])
    return {kind: {"type": kind}} if kind else {}


def _with(turn: dict[str, str], media: dict[str, Any]) -> dict[str, str]:
    content: Any = turn["content"]
    for kind, value in media.items():
        content = with_files(content, value, kind)
    return {**turn, "content": message_text(content, "images")}


def _without_answer(turns: Turns, field: str) -> Turns:
    if turns[-1]["role"] != "assistant":
        raise RejectedLineError("missing_field", f"an answer: {field} end with a turn of the {turns[-1]['role']}")
    if len(turns) == 1:
        raise RejectedLineError("missing_field", f"a prompt: {field} hold one answer alone")
    return turns[:-1]


def _pair(row: Json) -> tuple[str, str] | None:
    if row.get("chosen") is None and row.get("rejected") is None:
        return None
    chosen, rejected = (read_answer(required(row.get(name), name), name) for name in ("chosen", "rejected"))
    return chosen, rejected


def _flag(row: Json, field: str) -> bool:
    value = first_of(row, field)
    if (flag := flag_of(value)) is None:
        raise RejectedLineError("wrong_type", f"{field} is {shape_of(value)}")
    return flag
