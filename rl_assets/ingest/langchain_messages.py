"""What LangChain logs in forms of its own: serialized messages, pairs of role and text, batches of one, histories."""

import re
from typing import Any

from rl_assets.ingest.parsers import KNOWN_ROLES, ROLES

LANGCHAIN_TYPES = {
    "HumanMessage": "human",
    "AIMessage": "ai",
    "SystemMessage": "system",
    "ToolMessage": "tool",
    "FunctionMessage": "function",
}
GENERATIONS = {"Generation", "ChatGeneration"}
# `get_buffer_string` of langchain_core.messages writes a history as lines that begin with the speaker.
SPEAKER = re.compile(r"^(Human|AI|System|Tool|Function): ", re.MULTILINE)


def is_pair(message: Any) -> bool:
    """The short form of a message: its role and its text."""
    return isinstance(message, list) and len(message) == 2 and all(isinstance(part, str) for part in message)


def is_batch_of_one(value: Any) -> bool:
    """Whether a list holds one list of messages, texts or generations."""
    one = isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)
    return one and not is_pair(value[0])


def is_generation(value: Any) -> bool:
    """Whether a value is a generation, {text, generation_info, type: Generation}, which may hold a message."""
    if not isinstance(value, dict) or not {"text", "message"} & value.keys():
        return False
    return "generation_info" in value or str(value.get("type")).removesuffix("Chunk") in GENERATIONS


def unwrapped(message: dict[str, Any]) -> dict[str, Any]:
    """A serialized message, {lc, type: constructor, id: [..., HumanMessage], kwargs} or {type, data}, as one of
    {role, content}; other messages as they are."""
    for name in ("kwargs", "data"):
        if isinstance(inner := message.get(name), dict) and "content" in inner:
            path = message.get("id")
            known = (
                LANGCHAIN_TYPES.get(str(path[-1]).removesuffix("Chunk")) if isinstance(path, list) and path else None
            )
            kind = known or (message.get("type") if name == "data" else None) or inner.get("type")
            return {"role": kind, **{key: part for key, part in inner.items() if key not in ("type", "role")}}
    if message.get("type") == "message":
        return {key: part for key, part in message.items() if key != "type"}
    return message


def _exchanged(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def history_messages(history: Any) -> list[Any]:
    """The messages of a `chat_history`, which is a list of them, of pairs of question and answer, or a text."""
    if isinstance(history, list):
        are_pairs = all(is_pair(each) and each[0].lower() not in (*KNOWN_ROLES, *ROLES) for each in history)
        return [message for each in history for message in _exchanged(*each)] if are_pairs else history
    if not isinstance(history, str) or not history.strip():
        return []
    before, *spoken = SPEAKER.split(history)
    if before.strip() or not spoken:
        return [{"role": "user", "content": history}]
    return [
        {"role": speaker.lower(), "content": text.removesuffix("\n")}
        for speaker, text in zip(spoken[::2], spoken[1::2], strict=True)
    ]
