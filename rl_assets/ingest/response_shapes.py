"""Which JSON is a message, a conversation or a model's response, by its shape.

A model that was asked for JSON may answer with keys such as `content`, `role` or `choices`, and a user may ask about
such JSON. So a text that is JSON is read as a message, conversation or response only if it has the shape of one.
"""

from typing import Any

from rl_assets.ingest.chat_messages import is_item
from rl_assets.ingest.langchain_messages import LANGCHAIN_TYPES, is_batch_of_one, is_generation, unwrapped
from rl_assets.ingest.message_parts import MEDIA_FIELDS, MEDIA_TYPES, TEXTS, THOUGHTS, is_thought, type_of
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import KNOWN_ROLES, ROLES, RejectedLineError, role

SPEAKERS = {
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "function_call": "assistant",
    "prompter": "user",
    "observation": "tool",
    "tool_response": "tool",
}
ANSWERS = ("output", "answer", "response", "result", "completion", "generated_text", "text", "content")
PROMPTS = ("messages", "input", "question", "query", "prompt", "contents", "prompts", "new_message")
SYSTEMS = ("system", "systemInstruction", "system_instruction", "instructions")
CONTENTS = {"content", "parts", "text", "value", "blocks", "contentArray", "kwargs", "data", "tool_calls"}
# The lists of a response, and a field that one of their objects has, so that it is none that a model thought up.
LISTS = {
    "choices": {"message", "delta", "finish_reason", "logprobs"},
    "candidates": {"content", "message", "finishReason", "finish_reason"},
    "generations": {"text", "message"},
}
# Fields that only an API writes beside the text of an answer.
MARKS = {
    *("finishReason", "finish_reason", "stop_reason", "stopReason", "usage", "usage_metadata", "usageMetadata"),
    *("response_metadata", "providerMetadata", "toolCalls", "tool_calls", "toolResults"),
}
# Fields that stand beside the text of an answer and are no part of it.
BESIDE_ANSWERS = {
    *MARKS,
    *("model", "metadata", "id", "sources", "source_documents", "documents", "context", "citations", "references"),
    *("intermediate_steps", "input", "question", "query", "chat_history", "history", "latency", "error", "warnings"),
    *("reasoning", "thread_id", "session_id"),
}
BESIDE_PROMPTS = {
    *(*PROMPTS, *SYSTEMS, "config", "chat_history", "model", "temperature", "max_tokens", "max_output_tokens", "tools"),
    *("tool_choice", "stream", "top_p", "stop", "response_format", "args", "kwargs", "toolChoice", "user"),
    *("session_id", "history"),
}
PART_TYPES = {*TEXTS, *THOUGHTS, *MEDIA_TYPES, "refusal"}
CALL_TYPES = {"tool_use", "tool_call", "tool-call", "function_call", "tool_result", "tool-result", "server_tool_use"}
UNTYPED_PART = {
    *("text", "thought", "thoughtSignature", "thought_signature", "function_call", "functionCall"),
    *("toolUse", "toolResult", "reasoningContent", "cachePoint", *MEDIA_FIELDS),
}


def is_response(value: Any, named: bool = True) -> bool:
    """Whether a value has the shape of a model's response or message, or of a list of its parts or chunks.

    `named` says whether a text with a name and without any field of an API, such as {answer: "Yes."}, is one.
    """
    if isinstance(value, list):
        return _is_response_list(value, named)
    if not isinstance(value, dict):
        return False
    if is_generation(value) or _holds_choices(value) or is_chat_message(value):
        return True
    if (inner := _inner(value)) is not None:
        return is_response(inner, named)
    return _is_wrapped_text(value) and (named or bool(value.keys() & MARKS))


def _inner(response: dict[str, Any]) -> Any:
    """The message, messages, items or parts that a response holds."""
    for name, kind in (("message", dict), ("messages", list)):
        if isinstance(inner := decode(response.get(name)), kind) and inner:
            return inner
    output, content = response.get("output"), response.get("content")
    if (isinstance(output, list) and output) or (isinstance(output, dict) and isinstance(output.get("message"), dict)):
        return output
    return content if isinstance(content, dict | list) else None


def is_message(value: Any) -> bool:
    """Whether a value has the names of a message of any tool."""
    if not isinstance(value, dict):
        return False
    names = {"role", "lc", "from"} & value.keys() or value.get("type") in ("ai", "human", "system", "tool", "message")
    return bool(names) and bool(CONTENTS & value.keys())


def is_chat_message(value: Any) -> bool:
    """Whether a value is a message of a known role, or one of LangChain's."""
    if not is_message(value):
        return False
    name = value.get("role") or value.get("from")
    if isinstance(name, str):
        return _is_role(SPEAKERS.get(name.lower(), name.lower()))
    path = value.get("id")
    if isinstance(path, list) and path and str(path[-1]).removesuffix("Chunk") in LANGCHAIN_TYPES:
        return True
    kind = value.get("type")
    return isinstance(kind, str) and kind != "message" and "lc" not in value and bool({"content", "data"} & set(value))


def _is_role(name: str) -> bool:
    try:
        role(name, "role")
    except RejectedLineError:
        return False
    return True


def speaker_of(message: dict[str, Any]) -> Any:
    """The role of a message by its usual name, if it has one."""
    name = message.get("role") or message.get("from") or message.get("type")
    if name is None and "parts" in message:  # Gemini names no role in a conversation of one turn.
        return "user"
    if not isinstance(name, str):
        return name
    return SPEAKERS.get(name.lower(), name.lower() if name.lower() in KNOWN_ROLES else name)


def are_choices(values: list[Any]) -> bool:
    """Whether the objects are answers to choose from, and no conversation: choices, or messages of the assistant
    alone. Messages of the Responses API are the items of one answer."""
    if not values or not all(isinstance(value, dict) for value in values):
        return False
    if all(is_generation(value) or ("message" in value and "role" not in value) for value in values):
        return True
    speakers = {ROLES.get(str(name), name) for value in values if isinstance(name := _speaker(value), str)}
    return speakers == {"assistant"} and all(is_message(value) and value.get("type") != "message" for value in values)


def _speaker(message: dict[str, Any]) -> Any:
    return speaker_of(unwrapped(message))


def response_in(value: Any) -> Any:
    """The response or message that a text holds as JSON; other values as they are."""
    if not isinstance(value, str):
        return value
    decoded = decode(value)
    return decoded if is_response(decoded, named=False) else value


def conversation_in(value: Any) -> Any:
    """The messages that a text holds as JSON, or the object with them; other values as they are."""
    if not isinstance(value, str):
        return value
    decoded = decode(value)
    return decoded if _are_messages(decoded) or is_chat_message(decoded) or _holds_messages(decoded) else value


def parts_in(value: Any) -> Any:
    """The parts of a message that a text holds as JSON; other values as they are."""
    decoded = decode(value) if isinstance(value, str) and value.startswith("[") else None
    if not isinstance(decoded, list) or not decoded or not all(isinstance(part, dict) for part in decoded):
        return value
    return decoded if are_parts(decoded) else value


def is_prompt(value: Any) -> bool:
    """Whether a value has the shape of a conversation, or of a request that holds one."""
    if isinstance(value, list):
        return _are_messages(value)
    if not isinstance(value, dict):
        return False
    asks = any(value.get(name) for name in PROMPTS) or "args" in value
    return is_chat_message(value) or (asks and (_holds_messages(value) or value.keys() <= BESIDE_PROMPTS))


def _are_messages(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    inner = value[0] if len(value) == 1 and isinstance(value[0], list) else value
    known = [is_message(each) or (isinstance(each, dict) and {*each} == {"parts"}) for each in inner]
    return any(known) and all(is_known or is_item(each) for is_known, each in zip(known, inner, strict=True))


def _holds_messages(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(decode(value.get(name)), list) for name in ("messages", "contents")
    )


def _holds_choices(value: dict[str, Any]) -> bool:
    """Whether an object holds choices of an answer, and no list of another kind under the same name."""
    for name, marks in LISTS.items():
        inner = decode(value.get(name))
        while is_batch_of_one(inner):
            inner = inner[0]
        if not isinstance(inner, list) or not inner or not all(isinstance(each, dict) for each in inner):
            continue
        if all(each.keys() & marks for each in inner) or (len(inner) == 1 and "text" in inner[0]):
            return True
    return False


def _is_response_list(values: list[Any], named: bool) -> bool:
    if is_batch_of_one(values):
        return _is_response_list(values[0], named)
    if not values or not all(isinstance(each, dict) for each in values):
        return False
    if all("toolName" in each for each in values) or are_chunks(values) or all(map(is_generation, values)):
        return True
    if all(is_item(each) or "role" in each or is_chat_message(each) for each in values):
        return is_chat_message(values[-1]) or any(map(is_item, values))
    return are_parts(values) or (len(values) == 1 and is_response(values[0], named))


def are_chunks(values: Any) -> bool:
    """Whether the objects are the chunks of a streamed completion."""
    is_list = isinstance(values, list) and bool(values)
    return is_list and all(isinstance(each, dict) and isinstance(each.get("choices"), list) for each in values)


def are_parts(values: list[Any]) -> bool:
    """Whether the objects are parts of one message, of which some have a text or a call."""

    def is_known(part: dict[str, Any]) -> bool:
        return type_of(part) in PART_TYPES | CALL_TYPES or ("type" not in part and part.keys() <= UNTYPED_PART)

    return all(map(is_known, values)) and not all(map(is_thought, values))


def _is_wrapped_text(value: dict[str, Any]) -> bool:
    """Whether an object holds the text of an answer, and beside it nothing but what is known to be no part of it."""
    filled = [name for name in ANSWERS if value.get(name) is not None]
    if len(filled) != 1 or not value.keys() <= {*ANSWERS, *BESIDE_ANSWERS}:
        return False
    inner = value[filled[0]]
    return isinstance(inner, str) or is_response(inner)
