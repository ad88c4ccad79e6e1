"""Prompts and answers in the shapes that the instrumentation of different frameworks logs.

OpenAI, Gemini, LangChain, Vercel and OpenTelemetry name turns, parts and tool calls differently. A value of unknown
shape is None, so that it differs from an empty one.
"""

from ast import literal_eval
from typing import Any

from rl_assets.ingest.message_parts import message_text
from rl_assets.ingest.parsers import RejectedLineError, parse_json, role

MAX_ENCODINGS = 3
MAX_LITERAL_CHARACTERS = 100_000
Turns = list[dict[str, str]]


def decode(value: Any) -> Any:
    """The JSON value or Python literal in a text, even if it was encoded several times; else the text itself."""
    for _ in range(MAX_ENCODINGS):
        if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
            break
        value = _decode_once(value)
    return value


def _decode_once(text: str) -> Any:
    try:
        return parse_json(text)
    except RejectedLineError:
        pass
    try:
        # Reads literals only, and runs nothing. The parser rejects deep nesting.
        return literal_eval(text) if len(text) <= MAX_LITERAL_CHARACTERS else text
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def parse_prompt(value: Any) -> Turns | None:
    """The turns of a conversation; None if its shape is not known."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, dict):
        config = value.get("config")
        system = config.get("system_instruction") if isinstance(config, dict) else None
        turns = parse_prompt(next((value[key] for key in ("messages", "contents", "prompt") if key in value), None))
        return [{"role": "system", "content": system}, *turns] if isinstance(system, str) and turns else turns
    if not isinstance(value, list):
        return None
    value = [message for message in value if not defines_a_tool(message)]
    turns = [turn for message in value if (turn := _turn(message))]
    return turns if len(turns) == len(value) else None


def _turn(message: Any) -> dict[str, str] | None:
    if not isinstance(message, dict):
        return None
    if message.get("role") == "user" and not {"content", "parts", "text"} & message.keys():
        return None
    content = message.get("content", message.get("parts", message.get("text")))
    content = [content] if isinstance(content, dict) else content
    parts = [tool_result(part) for part in content] if isinstance(content, list) else content
    try:
        return {"role": role(message.get("role"), "input"), "content": message_text(parts, "")}
    except RejectedLineError:
        return None


def defines_a_tool(message: Any) -> bool:
    """LangChain logs definitions of tools among the messages."""
    content = message.get("content") if isinstance(message, dict) and message.get("role") == "tool" else None
    return isinstance(content, dict) and content.get("type") == "function"


def tool_result(part: Any) -> Any:
    """The result of a part that holds a tool's result and the number of the call."""
    is_result = isinstance(part, dict) and part.get("type") == "tool_call_response"
    return part["response"] if is_result and isinstance(part.get("response"), str) else part


def parse_answer(value: Any) -> str | None:
    """The text of an answer; None if its shape is not known. Tool calls are kept as JSON."""
    if isinstance(value, str):
        return value if value != "None" else None
    if isinstance(value, list):
        if value and all(isinstance(call, dict) and "toolName" in call for call in value):
            return message_text(value, "output")
        value = value[-1] if value else None
    if not isinstance(value, dict):
        return None
    if (choices := value.get("choices")) and isinstance(choices, list):
        return parse_answer(choices[-1])
    if isinstance(message := value.get("message", value.get("content")), dict):
        return parse_answer(message)
    turn = _turn({"role": "assistant", **value})
    return turn["content"] if turn and turn["role"] == "assistant" else None
