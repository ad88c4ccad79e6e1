"""Inputs and outputs as tracing SDKs log them: a message, a response, a text, or the value of any function.

A log does not say which of these a value is. So JSON is read as a message or a response only if it has the shape of
one: a model that was asked for JSON may answer with keys such as `content` or `role`. Any other output is what the
model wrote: a text stays as it is, and an object that a parser made of the text is compact JSON again. An input of
unknown shape is an error that names the shape, because it does not say what was asked.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from rl_assets.ingest.chat_messages import read_message
from rl_assets.ingest.langchain_messages import is_batch_of_one
from rl_assets.ingest.message_parts import as_json, message_text
from rl_assets.ingest.message_shapes import MAX_ENCODINGS, Turns, decode
from rl_assets.ingest.parsers import RejectedLineError, parse_json
from rl_assets.ingest.response_shapes import LISTS, are_chunks, are_parts, is_prompt, is_response
from rl_assets.ingest.vendor_fields import unread
from rl_assets.ingest.vendor_messages import read_answer, read_finish_reason, read_prompt

# What Python and JavaScript write for an object that has no text, and for no value.
NO_TEXT = re.compile(r"None|<(?:async_)?\w[\w.]* object\b.* at 0x[0-9a-f]+>|\[object \w+\]", re.DOTALL)


@dataclass(frozen=True)
class LoggedOutput:
    """The text of an answer; whether the log holds it as a text, message or response, and not as another value."""

    text: str
    is_text: bool
    finish_reason: str | None


def read_input(value: Any, field: str, by_model: bool = False) -> Turns:
    """The turns of what a model or function was given. Raises an error that names the shape if it is not known."""
    inner, decoded = _read_text(value, by_model)
    if isinstance(inner, str):
        if not inner.strip() or NO_TEXT.fullmatch(inner):
            raise unread(field, inner)
        return read_prompt(decoded, field) if is_prompt(decoded) else [{"role": "user", "content": inner}]
    return read_prompt(decoded, field)


def read_output(value: Any, field: str, by_model: bool) -> LoggedOutput:
    """The answer of what a model or function returned. Raises an error that names the shape if there is none.

    In a text that a model wrote, `{"answer": "Yes."}` is its JSON; of a function, it is the answer with its name.
    """
    inner, decoded = _read_text(value, by_model)
    if is_response(decoded, named=not (by_model and isinstance(inner, str))):
        return _read_response(decoded, field)
    if isinstance(inner, str):
        if NO_TEXT.fullmatch(inner):
            raise unread(field, inner)
        return LoggedOutput(inner, is_text=True, finish_reason=None)
    if inner in (None, [], {}) or (isinstance(inner, dict) and _has_no_answer(inner)):
        raise unread(field, inner)
    return LoggedOutput(json.dumps(inner, ensure_ascii=False, separators=(",", ":")), is_text=False, finish_reason=None)


def _has_no_answer(response: dict[str, Any]) -> bool:
    """Whether an object is an error, or a response without any choice."""
    return "error" in response or any(name in response and not response[name] for name in LISTS)


def _read_text(value: Any, by_model: bool) -> tuple[Any, Any]:
    """A text without the JSON strings that it was encoded in, and the object or list in it. What a model was given or
    wrote is logged as it is, so its quotes are its own."""
    inner = _unquoted(value)
    decoded = _structure(inner)
    return (value, value) if by_model and isinstance(decoded, str) else (inner, decoded)


def _read_response(response: Any, field: str) -> LoggedOutput:
    while is_batch_of_one(response):
        response = response[0]
    if are_chunks(response):
        response = _joined_chunks(response)
    if isinstance(response, dict) and response.get("text") == "" and (calls := response.get("toolCalls")):
        text: str | None = as_json(calls)
    elif isinstance(response, list) and all(isinstance(part, dict) and "toolName" in part for part in response):
        text = message_text(response, field)
    elif isinstance(response, list) and are_parts(response):
        text = read_message({"role": "assistant", "content": response}, field).content
    else:
        text = read_answer(response, field)
    if text is None:
        raise unread(field, response)
    return LoggedOutput(text, True, _refusal(response) or read_finish_reason(response))


def _refusal(response: Any) -> str | None:
    """The word for an answer that is a refusal."""
    choices = response.get("choices") if isinstance(response, dict) else None
    holder = choices[0] if isinstance(choices, list) and choices else response
    message = holder.get("message", holder) if isinstance(holder, dict) else None
    given = message.get("refusal") if isinstance(message, dict) else None
    return "refusal" if isinstance(given, str) and given.strip() else None


def _joined_chunks(chunks: list[Any]) -> dict[str, Any]:
    """The chunks of a streamed completion as the completion."""
    texts, reason = list[str](), None
    for choice in (each["choices"][0] for each in chunks if each["choices"]):
        delta = choice.get("delta") or choice.get("message") if isinstance(choice, dict) else None
        content = delta.get("content") if isinstance(delta, dict) else None
        texts += [content] if isinstance(content, str) else []
        reason = (isinstance(choice, dict) and choice.get("finish_reason")) or reason
    message = {"role": "assistant", "content": "".join(texts) if texts else None}
    return {"choices": [{"message": message, "finish_reason": reason}]}


def _unquoted(value: Any) -> Any:
    """A text without the JSON strings that it was encoded in; other values as they are."""
    for _ in range(MAX_ENCODINGS):
        if not isinstance(value, str) or not value.startswith('"'):
            break
        try:
            inner = parse_json(value)
        except RejectedLineError:
            break
        value = inner
    return value


def _structure(value: Any) -> Any:
    """The object or list in a text; other values as they are."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    decoded = decode(value)
    return decoded if isinstance(decoded, dict | list) else value
