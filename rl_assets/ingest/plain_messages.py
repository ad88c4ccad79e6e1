"""One message of any tool as {role, content}: its text without thoughts, then the tools that it calls, as JSON."""

from typing import Any

from rl_assets.ingest.langchain_messages import is_pair, unwrapped
from rl_assets.ingest.message_parts import MEDIA_TYPES, as_json, message_text, type_of, with_files
from rl_assets.ingest.message_shapes import parse_prompt, tool_result
from rl_assets.ingest.parsers import ROLES
from rl_assets.ingest.response_shapes import CONTENTS, speaker_of

# Parts that are calls; the last is a piece of the arguments of one, of a stream of Anthropic.
CALLS = {"tool_use", "tool_call", "function_call", "input_json_delta"}


def assistant_text(message: Any) -> str | None:
    """The text of a message of the assistant; None if it is none."""
    plain = plain_message(message)
    turns = parse_prompt([plain]) if isinstance(plain, dict) else None
    return turns[0]["content"] if turns and turns[0]["role"] == "assistant" else None


def plain_message(message: Any) -> Any:
    """A message as {role, content}; anything else as it is."""
    if is_pair(message):
        message = {"role": message[0], "content": message[1]}
    if not isinstance(message, dict):
        return message
    message = unwrapped(message)
    role = speaker_of(message)
    content = _content_of(message)
    more = message.get("additional_kwargs")
    calls = next((each for each in map(_calls, (message, more)) if each), None)
    if content in (None, "", []) and isinstance(message.get("refusal"), str):
        content = message["refusal"]
    if isinstance(content, dict):
        content = [content]
    content = with_files(with_files(content, message.get("images"), "image"), message.get("files"))
    if calls or isinstance(content, list):
        joint = "" if ROLES.get(str(role), role) == "assistant" else "\n"
        parts = content if isinstance(content, list) else [content]
        content = text_of([part for part in parts if not _is_said_by(part, calls)], calls, joint)
    if content is None and role == "user" and not CONTENTS & message.keys():
        return message  # of unknown shape: a turn of the user says something
    return {"role": role, "content": content}


def _content_of(message: dict[str, Any]) -> Any:
    """The text or parts of a message: `contentArray` is Helicone's, `blocks` are LlamaIndex's."""
    content = next((message[name] for name in ("content", "parts", "text", "value") if name in message), None)
    if content in (None, "", []):
        parts = [message[name] for name in ("contentArray", "blocks") if isinstance(message.get(name), list)]
        return [_typed(part) for part in parts[0]] if parts else content
    if str(message.get("_type")) in MEDIA_TYPES:
        return [content, _typed({name: value for name, value in message.items() if name != "content"})]
    return content


def _typed(part: Any) -> Any:
    """A part whose type has another name, as one with a `type`."""
    if not isinstance(part, dict):
        return part
    if part.get("_type") == "message":
        return {"type": "text", "text": part.get("content")}
    kind = part.get("_type") or part.get("block_type")
    rest = {name: value for name, value in part.items() if name not in ("_type", "block_type", "role")}
    return {**rest, "type": kind} if kind else part


def _calls(message: Any) -> Any:
    return message.get("tool_calls") or message.get("function_call") if isinstance(message, dict) else None


def _is_said_by(part: Any, calls: Any) -> bool:
    """Whether a part is one of the calls that LangChain names beside the content too."""
    if not calls or not isinstance(part, dict) or type_of(part) not in CALLS:
        return False
    names = {part[name] for name in ("id", "call_id") if isinstance(part.get(name), str)}
    others = [call for call in (calls if isinstance(calls, list) else [calls]) if isinstance(call, dict)]
    if not names:  # It has a name, or is a piece of the arguments.
        return part.get("name") is None or any(call.get("name") == part["name"] for call in others)
    return any(str(call.get(name)) in names for call in others for name in ("id", "call_id"))


def text_of(parts: list[Any], calls: Any, joint: str = "\n") -> str:
    """The text of parts, without thoughts, then the calls of tools as JSON."""
    text = message_text([tool_result(part) for part in parts if part not in (None, "")], "", joint)
    return "\n".join([*([text] if text else []), *([as_json(calls)] if calls else [])])


def called_tools(message: Any) -> set[str]:
    """The names of the tools that a message calls."""
    if not isinstance(message, dict):
        return set()
    more = message.get("additional_kwargs")
    calls = next((each for each in map(_calls, (message, more)) if isinstance(each, list)), [])
    named = [call.get("function", call) for call in calls if isinstance(call, dict)]
    return {str(each["name"]) for each in named if isinstance(each, dict) and each.get("name")}
