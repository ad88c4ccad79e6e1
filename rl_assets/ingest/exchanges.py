"""What went into a model and what came out, in the shapes that instrumentation of many frameworks writes it in.

OpenAI, Gemini, LangChain, Vercel and OpenTelemetry name turns, parts and tool calls differently. What has another shape
is told apart from what is empty: it is None.
"""

from ast import literal_eval
from typing import Any

from rl_assets.ingest.readings import Refused, content, parsed, role

ENCODED = 3
LITERAL_CHARACTERS = 100_000
Turns = list[dict[str, str]]


def inner(value: Any) -> Any:
    """What a text holds as JSON, however often it was encoded, or as Python wrote it; else the text itself."""
    for _ in range(ENCODED):
        if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
            break
        value = _decoded(value)
    return value


def _decoded(text: str) -> Any:
    try:
        return parsed(text)
    except Refused:
        pass
    try:
        # Reads literals only, and runs nothing. Deep nesting is refused by the parser.
        return literal_eval(text) if len(text) <= LITERAL_CHARACTERS else text
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def prompt_of(value: Any) -> Turns | None:
    """The turns of a conversation, or None where its shape is not known."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, dict):
        config = value.get("config")
        system = config.get("system_instruction") if isinstance(config, dict) else None
        turns = prompt_of(next((value[key] for key in ("messages", "contents", "prompt") if key in value), None))
        return [{"role": "system", "content": system}, *turns] if isinstance(system, str) and turns else turns
    if not isinstance(value, list):
        return None
    value = [message for message in value if not _defines_a_tool(message)]
    turns = [turn for message in value if (turn := _turn(message))]
    return turns if len(turns) == len(value) else None


def _turn(message: Any) -> dict[str, str] | None:
    if not isinstance(message, dict):
        return None
    said = message.get("content", message.get("parts", message.get("text")))
    said = [said] if isinstance(said, dict) else said
    try:
        turn = {
            "role": role(message.get("role"), "input"),
            "content": content([_result(part) for part in said] if isinstance(said, list) else said, ""),
        }
    except Refused:
        return None
    return turn


def _defines_a_tool(message: Any) -> bool:
    """LangChain writes what its tools are among the messages."""
    said = message.get("content") if isinstance(message, dict) and message.get("role") == "tool" else None
    return isinstance(said, dict) and said.get("type") == "function"


def _result(part: Any) -> Any:
    """What a tool answered, of a part that holds that and the number of the call."""
    is_result = isinstance(part, dict) and part.get("type") == "tool_call_response"
    return part["response"] if is_result and isinstance(part.get("response"), str) else part


def answer_of(value: Any) -> str | None:
    """The text of an answer, or None where its shape is not known; calls of tools are kept as JSON."""
    if isinstance(value, str):
        return value if value != "None" else None
    if isinstance(value, list):
        if value and all(isinstance(call, dict) and "toolName" in call for call in value):
            return content(value, "output")
        value = value[-1] if value else None
    if not isinstance(value, dict):
        return None
    if (choices := value.get("choices")) and isinstance(choices, list):
        return answer_of(choices[-1])
    if isinstance(inner := value.get("message", value.get("content")), dict):
        return answer_of(inner)
    turn = _turn({"role": "assistant", **value})
    return turn["content"] if turn and turn["role"] == "assistant" else None
