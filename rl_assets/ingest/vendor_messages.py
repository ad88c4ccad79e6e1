"""Conversations as gateways, frameworks and annotation tools store them, as turns of role and content.

Messages of OpenAI (role, content, tool_calls), LangChain (type or lc with kwargs, content), OpenTelemetry and Gemini
(role, parts), Dify (role, text), ShareGPT (from, value) and Anthropic (role, content blocks) are read, and the items of
OpenAI's Responses API. What a model thought is no part of its text; calls of tools stay as JSON beside it. A message
whose role is the name of a tool that was called before is a tool's.
"""

import json
from typing import Any

from rl_assets.ingest.chat_messages import finish_reason, is_item, item_message, output_message, read_message
from rl_assets.ingest.langchain_messages import history_messages, is_batch_of_one, is_pair
from rl_assets.ingest.message_parts import TEXTS, is_thought, type_of
from rl_assets.ingest.message_shapes import Turns, decode, defines_a_tool, parse_prompt
from rl_assets.ingest.parsers import RejectedLineError, parse_json
from rl_assets.ingest.plain_messages import assistant_text, called_tools, plain_message, text_of
from rl_assets.ingest.response_shapes import (
    ANSWERS,
    LISTS,
    PROMPTS,
    SYSTEMS,
    are_choices,
    conversation_in,
    is_message,
    parts_in,
    response_in,
)
from rl_assets.ingest.vendor_fields import shape_of, unread

STOPPED = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason")
HISTORIES = ("chat_history", "history")
HOLDERS = (
    "choices",
    "candidates",
    "generations",
    "message",
    "kwargs",
    "generation_info",
    "response_metadata",
    "messages",
)


def read_turns(value: Any, field: str, system: Any = None) -> Turns:
    """The turns of a conversation, after the system turn if there is one apart. Raises an error that names the shape
    if it is not known."""
    decoded = decode(value)
    return _turns_of(value if isinstance(value, str) and _is_plain(decoded) else decoded, field, system)


def _is_plain(decoded: Any) -> bool:
    """Whether a text that was decoded is no JSON with objects or messages."""
    return not isinstance(decoded, dict | list) or not any(isinstance(each, dict | list) for each in decoded)


def _turns_of(messages: Any, field: str, system: Any) -> Turns:
    value = messages
    if is_batch_of_one(messages):
        messages = messages[0]
    if isinstance(messages, list) and len(messages) == 1 and isinstance(messages[0], str):
        messages = messages[0]
    if isinstance(messages, list):
        messages = _plain_messages(messages)
    turns = parse_prompt(messages) if isinstance(messages, list | str) else None
    if not turns:
        raise _unread_message(value, messages, field)
    instructions = _system_text(system)
    return [{"role": "system", "content": instructions}, *turns] if instructions else turns


def read_chat(value: Any, field: str) -> Turns:
    """The turns before a question: messages as OpenAI's APIs store them, else as any of the tools above do."""
    try:
        return [read_message(message, field).turn for message in value]
    except RejectedLineError:
        return read_turns(value, field)


def chat_turns(messages: str) -> str | None:
    """`read_chat` for SQL: a list of messages in JSON as one of {role, content}; None if one cannot be read."""
    try:
        return json.dumps(_chat_in(messages))
    except RejectedLineError:
        return None


def messages_error(messages: str) -> str | None:
    """Why `chat_turns` is None."""
    try:
        _chat_in(messages)
    except RejectedLineError as error:
        return error.detail
    return None


def _chat_in(messages: str) -> Turns:
    value = parse_json(messages)
    if not isinstance(value, list):
        raise unread("messages", value)
    return read_chat(value, "messages") if value else []


def _plain_messages(messages: list[Any]) -> list[Any]:
    """The messages as {role, content}, without definitions of tools and without what the model thought."""
    items = [item_message(each) if is_item(each) else each for each in messages if not defines_a_tool(each)]
    plain, tools = list[Any](), set[str]()
    for message in items:
        if message is None:
            continue
        turn = plain_message(message)
        if isinstance(turn, dict) and isinstance(turn["role"], str) and turn["role"] in tools:
            turn["role"] = "tool"
        tools |= called_tools(message)
        plain.append(turn)
    return plain


def _unread_message(value: Any, messages: Any, field: str) -> RejectedLineError:
    """The error of a conversation; it names the first message that cannot be read, with its role."""
    for place, message in enumerate(messages if isinstance(messages, list) else []):
        if not parse_prompt([message]):
            role = message.get("role") if isinstance(message, dict) else None
            whose = f" of the role {role!r}" if isinstance(role, str) else ""
            return RejectedLineError("wrong_type", f"{field}[{place}]{whose} is {shape_of(message)}")
    return unread(field, value)


def _system_text(system: Any) -> str:
    system = parts_in(system)
    if isinstance(system, dict):
        system = system.get("parts", [system])
    return system if isinstance(system, str) else text_of(system, None) if isinstance(system, list) else ""


def read_prompt(value: Any, field: str) -> Turns:
    """The turns of what a run or request was given: messages, an object that holds them, or a text."""
    value = conversation_in(value)
    if not isinstance(value, dict):
        return _turns_of(value, field, None)
    name = next((name for name in PROMPTS if value.get(name)), None)
    if "args" in value and value.keys() <= {"args", "kwargs"}:
        return read_prompt(_only_argument(value, field), field)
    if name is None:
        texts = [text for text in value.values() if isinstance(text, str) and text]
        if len(texts) != 1 or len(value) != 1:
            raise unread(field, value)
        return _turns_of(texts[0], field, None)
    system = _system_of(value)
    inner = conversation_in(value[name])
    if isinstance(inner, dict):
        is_one = is_message(inner) or isinstance(inner.get("parts"), list)
        return _turns_of([inner], field, system) if is_one else read_prompt(inner, f"{field}.{name}")
    history, images = _history_of(value, field) if isinstance(inner, str) else [], value.get("images")
    if isinstance(inner, str) and (history or images):
        inner = [*history, {"role": "user", "content": inner, "images": images}]
    if isinstance(inner, list) and inner and all(isinstance(text, str) for text in inner):
        inner = [{"role": "user", "content": "\n".join(inner)}]
    return _turns_of(inner, f"{field}.{name}", system)


def _system_of(value: dict[str, Any]) -> Any:
    """The instructions beside messages, also in the `config` of Gemini's SDK."""
    config = decode(value.get("config"))
    holders = (value, config if isinstance(config, dict) else {})
    return next((holder[name] for holder in holders for name in SYSTEMS if holder.get(name)), None)


def _history_of(value: dict[str, Any], field: str) -> Turns:
    """The turns before a question, which LangChain calls `chat_history` or `history`."""
    name = next((name for name in HISTORIES if value.get(name)), HISTORIES[0])
    history = history_messages(conversation_in(value.get(name)))
    return _turns_of(history, f"{field}.{name}", None) if history else []


def _only_argument(call: dict[str, Any], field: str) -> Any:
    """The argument of a function that was called with one."""
    args, kwargs = decode(call["args"]), decode(call.get("kwargs") or {})
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise unread(field, call)
    if len(given := [*args, *kwargs.values()]) != 1 or given[0] is None:
        raise RejectedLineError("wrong_type", f"{field} is a call with {len(given)} arguments")
    return given[0]


def read_answer(value: Any, field: str) -> str:
    """The text of an answer in any of the shapes that models and chains return. Raises an error that names the shape
    if it is not known."""
    response = response_in(value)
    answer = _answer(response)
    if answer is None:
        raise unread(field, response)
    return answer


def read_finish_reason(response: Any) -> str | None:
    """Why the model stopped, by the first answer of a response; None if it does not say."""
    return finish_reason(_stopped(decode(response)), refused=False)


def _stopped(value: Any) -> Any:
    if isinstance(value, list):
        return _stopped(_chosen(value)) if value else None
    if not isinstance(value, dict):
        return None
    details = value.get("incomplete_details")  # of a response of the Responses API
    given = {**value, "stop_reason": details.get("reason")} if isinstance(details, dict) else value
    own = next((given[name] for name in STOPPED if isinstance(given.get(name), str)), None)
    return own or next((word for name in HOLDERS if (word := _stopped(decode(value.get(name))))), None)


def _answer(value: Any) -> str | None:
    while is_batch_of_one(value):
        value = value[0]
    if isinstance(value, list):
        return _answer_of_list(value)
    if isinstance(value, dict):
        return _answer_of_object(value)
    return value if isinstance(value, str) else None


def _answer_of_object(value: dict[str, Any]) -> str | None:
    for name in LISTS:
        if isinstance(inner := decode(value.get(name)), list) and inner and isinstance(inner[0], dict | list):
            return _answer(_first(inner))
    if is_message(value):
        return assistant_text(value)
    if isinstance(parts := value.get("parts"), list) and parts:
        return text_of(parts, None, "")
    for name in ("message", "messages"):
        if value.get(name) is not None:
            return _answer(response_in(value[name]))
    return next((_answer(value[name]) for name in ANSWERS if value.get(name) is not None), None)


def _first(choices: list[Any]) -> Any:
    """The first choice, also of the first prompt of a batch."""
    return _first(choices[0]) if isinstance(choices[0], list) and choices[0] else choices[0]


def _answer_of_list(values: list[Any]) -> str | None:
    """The last message of a conversation, the first of several choices, or the text of the parts or output items of
    one answer."""
    if is_pair(values):
        return assistant_text(values)
    if not values or not isinstance(values[-1], dict):
        return values[0] if len(values) == 1 and isinstance(values[0], str) else None
    if any(map(is_item, values)) and all(is_item(each) or is_message(each) for each in values):
        return read_message(output_message(values), "output").content
    items = [value for value in values if isinstance(value, dict) and not is_thought(value)]
    if not items or are_choices(items) or is_message(items[-1]):
        return _answer(_chosen(items)) if items else None
    if all("message" not in item and (type_of(item) in TEXTS or "text" in item) for item in items):
        return text_of(items, None)
    return _answer(items[-1])


def _chosen(values: list[Any]) -> Any:
    """What of a list says the answer: the first choice with a text, the last message of a conversation."""
    if are_choices(values):
        return next((value for value in values if _answer(value)), values[0])
    return values[-1] if is_message(values[-1]) else values[0]
