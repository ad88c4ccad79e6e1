"""One message as OpenAI's APIs store it, and a response of the Responses API as a completion.

Source: the SDK types `ChatCompletion`, `ChatCompletionMessage`, `ChatCompletionAssistantMessageParam` and `Response`.
A refusal is the text of its message, and so is the transcript of a spoken answer; calls of tools and functions follow
the text as JSON. What servers of other models add is read alike: `reasoning_content` and `reasoning`, `stop_reason`.
"""

from dataclasses import dataclass
from typing import Any

from rl_assets.ingest.message_parts import MEDIA_TYPES, as_json, message_text, thoughts, with_files
from rl_assets.ingest.parsers import Json, RejectedLineError, role

# Words of other APIs for why a model stopped, as OpenAI's; `refusal` is the word for a message with a refusal.
FINISH_REASONS = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "safety": "content_filter",
    "content-filter": "content_filter",
    "tool-calls": "tool_calls",
}
# Ends of the types of items that are no messages, and items that are neither said nor called.
CALLED, RETURNED = "_call", "_call_output"
# What the vendor's server did by itself before it wrote the message: nobody was asked to run it.
SERVER_CALLS = {"web_search_call", "file_search_call", "code_interpreter_call", "mcp_call"}
SILENT_ITEMS = {"reasoning", "compaction", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response"}
SILENT_ITEMS |= SERVER_CALLS


@dataclass(frozen=True)
class ChatMessage:
    """A message: content is None if it says nothing at all; what the model thought is apart."""

    role: str
    content: str | None
    reasoning: str | None
    refused: bool

    @property
    def turn(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content or ""}


def read_message(message: Any, field: str) -> ChatMessage:
    """The message. Raises RejectedLineError if it is none."""
    if not isinstance(message, dict):
        raise RejectedLineError("wrong_type", field)
    speaker = role(message.get("role"), field)
    content = with_files(message.get("content"), message.get("images"), "image")
    written = message_text(content, field, "" if speaker == "assistant" else "\n")
    refusal = _refusal(message, content)
    texts = [written] if written else []
    if refusal and refusal not in written:
        texts.append(refusal)
    if not texts and isinstance(audio := message.get("audio"), dict) and isinstance(audio.get("transcript"), str):
        texts.append(audio["transcript"])
    if calls := message.get("tool_calls") or message.get("function_call"):
        texts.append(as_json(calls))
    text = "\n".join(texts) if texts or content is not None else None
    return ChatMessage(speaker, text, _reasoning(message, content), refused=bool(refusal))


def _refusal(message: Json, content: Any) -> str | None:
    parts = [part.get("refusal") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return next((text for text in [message.get("refusal"), *parts] if isinstance(text, str) and text.strip()), None)


def _reasoning(message: Json, content: Any) -> str | None:
    fields = (message.get(name) for name in ("reasoning_content", "reasoning"))
    return next((text for text in fields if isinstance(text, str) and text), None) or thoughts(content)


def finish_reason(written: Any, refused: bool) -> str | None:
    """Why the model stopped: stop, length, content_filter, tool_calls, function_call or refusal."""
    if refused:
        return "refusal"
    if not isinstance(written, str) or not written.strip():
        return None
    word = written.strip().lower()
    return FINISH_REASONS.get(word, word)


def as_completion(response: Json) -> Json:
    """A response of the Responses API, logged with its `input`, as a completion with `messages` and `choices`."""
    given, items = response.get("input"), response.get("output")
    if not isinstance(items, list) or not isinstance(given, str | list):
        raise RejectedLineError("wrong_type", "output" if isinstance(given, str | list) else "input")
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else [*map(item_message, given)]
    if isinstance(instructions := response.get("instructions"), str) and instructions:
        messages = [{"role": "system", "content": instructions}, *messages]
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    message = output_message(items)
    choice = {"message": {**message, "content": message["content"] or None}, "finish_reason": reason}
    return {**response, "messages": [item for item in messages if item], "choices": [choice]}


def is_item(value: Any) -> bool:
    """Whether a value is an item of the Responses API that is no message: a call, its output, or a silent one."""
    if not isinstance(value, dict) or "role" in value or not isinstance(kind := value.get("type"), str):
        return False
    return kind in SILENT_ITEMS or kind.endswith((CALLED, RETURNED))


def item_message(item: Any) -> Any:
    """An item of the input as a message; None for what is neither said nor called, such as thoughts."""
    if not isinstance(item, dict) or "role" in item:
        return item
    kind = str(item.get("type"))
    if kind in SILENT_ITEMS:
        return None
    if kind.endswith(RETURNED):
        output = item.get("output")
        return {"role": "tool", "content": [output] if isinstance(output, dict) else output}
    if kind in MEDIA_TYPES:
        return {"role": "assistant", "content": [item]}
    return {"role": "assistant", "content": None, "tool_calls": [item]}


def output_message(items: list[Any]) -> Json:
    """The items of an output as one message: the texts of its messages, and what it calls."""
    content, calls, reasoning = list[Any](), list[Any](), list[Any]()
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "message":
            content += item["content"] if isinstance(item.get("content"), list) else [item.get("content") or ""]
        elif kind == "reasoning":
            reasoning += item.get("summary") or item.get("content") or []
        elif kind in MEDIA_TYPES:
            content.append(item)
        elif kind not in SILENT_ITEMS:
            calls.append(item)
    texts = (part.get("text") for part in reasoning if isinstance(part, dict))
    thought = "\n".join(text for text in texts if isinstance(text, str))
    return {"role": "assistant", "content": content, "tool_calls": calls, "reasoning": thought}
